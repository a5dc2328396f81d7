/* The benchmark `mix`: what compiled workloads do. Freestanding IA-32, runs for ever. */
typedef unsigned int u32;
typedef unsigned char u8;

enum { count = 1024 };
static u32 numbers[count];
static u8 text[4096];
static u32 crc_table[256];
volatile u32 sink;

static void sort(u32* first, int n) {
    for (int gap = n / 2; gap > 0; gap /= 2)
        for (int i = gap; i < n; i++) {
            u32 value = first[i];
            int j = i;
            for (; j >= gap && first[j - gap] > value; j -= gap)
                first[j] = first[j - gap];
            first[j] = value;
        }
}

static u32 crc(const u8* bytes, u32 length) {
    u32 sum = ~0u;
    for (u32 i = 0; i < length; i++)
        sum = crc_table[(sum ^ bytes[i]) & 0xFF] ^ sum >> 8;
    return ~sum;
}

/* A stack machine: push, add, xor, duplicate, swap, jump if not zero, stop. */
static u32 interpret(const u8* program, u32 argument) {
    u32 stack[16], *top = stack;
    *top = argument;
    for (const u8* at = program;;)
        switch (*at++) {
        case 0: *++top = *at++; break;
        case 1: top--; *top += top[1]; break;
        case 2: top--; *top ^= top[1]; break;
        case 3: top[1] = *top; top++; break;
        case 4: { u32 t = *top; *top = top[-1]; top[-1] = t; break; }
        case 5: (*top)--; if (*top != 0) at = program + *at; else at++; break;
        default: return top[-1];
        }
}

__attribute__((section(".start"), noreturn)) void start(void) {
    static const u8 program[] = {0, 50, 4, 0, 7, 1, 3, 0, 3, 2, 1, 4, 5, 2, 6};
    u32 seed = 1;
    for (u32 i = 0; i < 256; i++) {
        u32 value = i;
        for (int bit = 0; bit < 8; bit++)
            value = (value & 1) ? value >> 1 ^ 0xEDB88320u : value >> 1;
        crc_table[i] = value;
    }
    for (;;) {
        for (int i = 0; i < count; i++) {
            seed = seed * 1664525 + 1013904223;
            numbers[i] = seed;
            text[i] = (u8)(seed >> 24);
        }
        sort(numbers, count);
        sink = crc(text, sizeof text) + numbers[7];
        for (u32 i = 0; i < 100; i++)
            sink = interpret(program, i);
    }
}

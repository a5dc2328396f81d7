// INT 3 as the debugger call of Hazelnut's programs: every form that prints, the call that reads, and what is ignored.
// The console must show exactly
//   console: A text 1234BEEF 4BEEF BEEF 4294967295 jumped behind a nop
// Input: the characters `keys`.
#include "tests/kernel/guest/checks.hpp"

using namespace kernel_test;

namespace {

constexpr char keys[] = "abcdefgh"; // CMakeLists.txt sends them

template<unsigned Number>
uint32_t debugger_call(uint32_t eax) {
    asm volatile("int3\n\tcmpb %1, %%al" : "+a"(eax) : "N"(Number) : "memory", "cc");
    return eax;
}

void print_in_all_forms() {
    debugger_call<2>(reinterpret_cast<uint32_t>("console: "));
    debugger_call<0>(0xFFFFFF41);
    debugger_call<2>(reinterpret_cast<uint32_t>(" text "));
    debugger_call<5>(0x1234BEEF);
    debugger_call<0>(' ');
    debugger_call<6>(0x1234BEEF);
    debugger_call<0>(' ');
    debugger_call<7>(0x1234BEEF);
    debugger_call<0>(' ');
    debugger_call<11>(0xFFFFFFFF);
    asm volatile("int3\n\tjmp 1f\n\t.ascii \" jumped\"\n1:");
    asm volatile("int3\n\tnop\n\tjmp 1f\n\t.ascii \" behind a nop\\n\"\n1:");
}

void test_ignored() {
    uint32_t eax = 0x11223344, ebx = 0x55667788;
    asm volatile("int3\n\tcmpb $99, %%al\n\t" // no such call
                 "int3\n\tnop\n\tnop\n\tjmp 1f\n\t.ascii \"not this\"\n"
                 "1:\tint3\n\tmovl %%eax, %%eax\n\t"
                 "int3\n\tjmp 2f\n2:\t"            // no text
                 ".byte 0xCD, 3\n\tcmpb $99, %%al" // INT n
                 : "+a"(eax), "+b"(ebx)
                 :
                 : "cc");
    check(eax == 0x11223344 && ebx == 0x55667788, "INT3: what it does not know is ignored");
}

volatile uint32_t turns = 0;
void counts() {
    for (;;)
        turns = turns + 1;
}

void test_reading() {
    for (unsigned index = 0; index < sizeof keys - 1; ++index)
        check(debugger_call<13>(0xFFFFFFFF) == static_cast<unsigned char>(keys[index]),
              "INT3 13: the character, alone in EAX");
}

constexpr unsigned equal = 5, superior = 6;
void ends_the_test() {
    l4::sleep_us(30'000); // three slices
    check(true, "INT3 13: a thread of higher priority goes on");
    check(turns == 0, "INT3 13: one of the same priority waits as well");
    finish();
}
[[noreturn]] void test_waiting() {
    start_thread(superior, ends_the_test);
    l4::thread_schedule(own_thread(superior), l4::schedule_param(l4::priority_boot + 10));
    start_thread(equal, counts);
    for (;;)
        debugger_call<13>(0); // nothing comes any more
}

} // namespace

extern "C" void test_main(uint32_t) {
    print_in_all_forms();
    test_ignored();
    test_reading();
    test_waiting();
}

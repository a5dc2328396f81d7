// The IDE function and its drive: every status that a driver looks at, for the good case and the odd ones.
#include "tests/machine/guest/interrupts.hpp"
#include "workloads/bare_pc/console.hpp"

namespace {

constexpr uint16_t task_file = 0x1F0, control = 0x3F6;
constexpr uint32_t function_id = 1u << 3 | 1;
constexpr uint8_t read_dma = 0xC8, write_dma = 0xCA, flush = 0xE7, identify = 0xEC, read_pio = 0x20,
                  write_pio = 0x30;
constexpr uint8_t transfer_interrupt = 0x04; // of the bus master status
constexpr uint32_t end_mark = 0x80000000u;

struct Region {
    uint32_t address, count;
};
alignas(4096) Region table[2];
alignas(4096) uint8_t written[16 * 512];
alignas(4096) uint8_t read_back[16 * 512];
uint16_t bus_master;

uint32_t pci_read(uint32_t function, uint32_t field) {
    pc::out32(0xCF8, 0x80000000u | function << 8 | field);
    return pc::in32(0xCFC);
}
void pci_write(uint32_t function, uint32_t field, uint32_t value) {
    pc::out32(0xCF8, 0x80000000u | function << 8 | field);
    pc::out32(0xCFC, value);
}

void wait_not_busy() {
    while (pc::in8(control) & 0x80) {
    }
}

void command(uint8_t code, uint32_t lba, unsigned sectors) {
    pc::out8(task_file + 6, static_cast<uint8_t>(0xE0 | lba >> 24));
    pc::out8(task_file + 2, static_cast<uint8_t>(sectors));
    pc::out8(task_file + 3, static_cast<uint8_t>(lba));
    pc::out8(task_file + 4, static_cast<uint8_t>(lba >> 8));
    pc::out8(task_file + 5, static_cast<uint8_t>(lba >> 16));
    pc::out8(task_file + 7, code);
}

// An interrupt of a busy drive is a late one of the command before: QEMU's controller does not withdraw a
// request when the drive does.
void wait_for_disk() {
    while (pc::interrupt_count[14] == 0 || pc::in8(control) & 0x80)
        pc::wait_for_interrupt();
    pc::interrupt_count[14] = 0;
}

void prepare_dma(bool to_memory) {
    pc::out8(bus_master, 0);
    pc::out32(bus_master + 4, reinterpret_cast<uint32_t>(table));
    pc::out8(bus_master + 2, 0x66);
    pc::out8(bus_master, to_memory ? 8 : 0);
}
void start_dma(bool to_memory) {
    pc::out8(bus_master, to_memory ? 9 : 1);
}

void show(const char* what) {
    pc::print(what);
    pc::print(": bus master ");
    pc::print_hex(pc::in8(bus_master + 2) & 7u, 2);
    pc::print(" status ");
    pc::print_hex(pc::in8(task_file + 7), 2);
    pc::print(" error ");
    pc::print_hex(pc::in8(task_file + 1), 2);
    pc::print(" address ");
    pc::print_hex(uint32_t{pc::in8(task_file + 5)} << 16 | uint32_t{pc::in8(task_file + 4)} << 8 |
                      pc::in8(task_file + 3),
                  6);
    pc::print(" count ");
    pc::print_hex(pc::in8(task_file + 2), 2);
    pc::print('\n');
}

void dma(const char* what, uint8_t code, uint32_t lba, unsigned sectors) {
    const bool to_memory = code == read_dma;
    prepare_dma(to_memory);
    command(code, lba, sectors);
    start_dma(to_memory);
    while ((pc::in8(bus_master + 2) & transfer_interrupt) == 0) { // the disk's may be a late one
    }
    wait_for_disk();
    show(what);
    pc::out8(bus_master, 0);
    pc::out8(bus_master + 2, 0x66);
}

bool same() {
    for (unsigned i = 0; i < sizeof written; ++i)
        if (written[i] != read_back[i])
            return false;
    return true;
}

void dma_cases() {
    table[0] = {reinterpret_cast<uint32_t>(written), 5 * 512};
    table[1] = {reinterpret_cast<uint32_t>(written) + 5 * 512, (11 * 512) | end_mark};
    dma("write", write_dma, 1000, 16);
    table[0].address = reinterpret_cast<uint32_t>(read_back);
    table[1].address = reinterpret_cast<uint32_t>(read_back) + 5 * 512;
    dma("read", read_dma, 1000, 16);
    pc::report("same", same());

    table[1].count = (11 * 512 + 512) | end_mark; // longer than the transfer
    dma("table longer", read_dma, 1000, 15);

    table[0].count = 2 * 512 | end_mark; // shorter: the drive goes on waiting
    prepare_dma(true);
    command(read_dma, 1000, 4);
    start_dma(true);
    while (pc::in8(bus_master + 2) & 1) {
    }
    pc::report("table shorter, bus master", pc::in8(bus_master + 2) & 7u);
    pc::report("interrupts", pc::interrupt_count[14]);
    pc::out8(bus_master, 0);
    pc::out8(control, 4); // nothing but a reset helps
    pc::out8(control, 0);
    wait_not_busy();
    pc::interrupt_count[14] = 0;
    pc::report("after reset, status", pc::in8(task_file + 7));
    pc::report("signature", uint32_t{pc::in8(task_file + 5)} << 24 | uint32_t{pc::in8(task_file + 4)} << 16 |
                                uint32_t{pc::in8(task_file + 3)} << 8 | pc::in8(task_file + 2));
}

// A device's memory takes a bus master's sector as main memory does.
void dma_to_the_screen() {
    constexpr uint32_t text_memory = 0xB8000;
    table[0] = {text_memory, 512 | end_mark};
    dma("read to the screen", read_dma, 1000, 1);
    bool equal = true;
    for (unsigned i = 0; i < 512; ++i)
        equal = equal && reinterpret_cast<volatile uint8_t*>(text_memory)[i] == written[i];
    pc::report("same on the screen", equal);
}

void pio_cases() {
    for (unsigned i = 0; i < sizeof read_back; ++i)
        read_back[i] = 0;
    command(read_pio, 1000, 16);
    for (unsigned sector = 0; sector < 16; ++sector) {
        wait_for_disk();
        if (pc::in8(task_file + 7) != 0x58)
            pc::print("no data requested\n");
        for (unsigned i = 0; i < 256; ++i)
            reinterpret_cast<uint16_t*>(read_back)[sector * 256 + i] = pc::in16(task_file);
    }
    pc::report("same by ports", same());
    show("read by ports");

    command(write_pio, 2000, 2);
    while ((pc::in8(control) & 0x88) != 0x08) {
    }
    for (unsigned sector = 0; sector < 2; ++sector) {
        for (unsigned i = 0; i < 256; ++i)
            pc::out16(task_file, reinterpret_cast<uint16_t*>(written)[sector * 256 + i]);
        wait_for_disk();
        pc::in8(task_file + 7); // lowers the interrupt line
    }
    show("write by ports");
}

void other_cases() {
    command(flush, 0, 0);
    wait_for_disk();
    pc::report("flush status", pc::in8(task_file + 7));
    command(0xFF, 0, 0);
    wait_for_disk();
    pc::report("unknown status", pc::in8(task_file + 7));
    pc::report("unknown error", pc::in8(task_file + 1));
    pc::out8(control, 2); // no interrupts
    table[0] = {reinterpret_cast<uint32_t>(read_back), 512 | end_mark};
    prepare_dma(true);
    command(read_dma, 1000, 1);
    start_dma(true);
    while (pc::in8(bus_master + 2) & 1) {
    }
    wait_not_busy();
    pc::report("interrupts off, bus master", pc::in8(bus_master + 2) & 7u);
    pc::report("interrupts", pc::interrupt_count[14]);
    pc::in8(task_file + 7);
    pc::out8(bus_master, 0);
    pc::out8(control, 0);
    pc::out8(task_file + 6, 0xF0);
    pc::report("absent slave status", pc::in8(task_file + 7));
    pc::out8(task_file + 6, 0xE0);
    pc::report("back at the master", pc::in8(task_file + 7));
}

} // namespace

extern "C" void run(uint32_t) {
    pc::start_console();
    pc::set_up_interrupts();
    pc::unmask(14);
    pc::report("host bridge", pci_read(0, 0));
    pc::report("isa bridge", pci_read(1u << 3, 0));
    pc::report("function", pci_read(function_id, 0));
    pc::report("class", pci_read(function_id, 8) >> 8);
    pc::report("absent", pci_read(31u << 3, 0));
    pc::report("timing", pci_read(function_id, 0x40));
    const uint32_t base = pci_read(function_id, 0x20);
    pc::report("base", base);
    bus_master = static_cast<uint16_t>(base & 0xFFF0);
    pci_write(function_id, 4, (pci_read(function_id, 4) & 0xFFFF) | 4);

    command(identify, 0, 0);
    wait_for_disk();
    pc::report("identify status", pc::in8(task_file + 7));
    uint16_t words[256];
    for (uint16_t& word : words)
        word = pc::in16(task_file);
    pc::report("sectors", uint32_t{words[61]} << 16 | words[60]);
    pc::report("lba and dma", words[49] & 0x0300u);
    pc::report("status afterwards", pc::in8(task_file + 7));

    for (unsigned i = 0; i < sizeof written; ++i)
        written[i] = static_cast<uint8_t>(i * 7 + i / 512);
    dma_cases();
    dma_to_the_screen();
    pio_cases();
    other_cases();
    pc::leave(0x10);
}

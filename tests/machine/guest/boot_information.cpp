// Everything that the loader and the firmware left: registers, the whole boot information with all that it points
// to, the BIOS data area, interrupt masks. Fields are printed once the flag that makes them valid is set.
#include "workloads/bare_pc/console.hpp"
#include "workloads/bare_pc/descriptors.hpp"

struct Information {
    uint32_t flags, memory_lower_kb, memory_upper_kb, boot_device, command_line, module_count, modules;
    uint32_t section_count, section_bytes, sections, section_names;
    uint32_t map_bytes, map, drives_bytes, drives, configuration, loader_name, apm, vbe[4];
};
struct Module {
    uint32_t begin, end, string, reserved;
};

extern "C" {
extern const uint32_t entry_eax, entry_ebx, entry_esp, entry_eflags, entry_cr0, entry_tr, entry_ldtr;
extern const pc::TablePointer entry_gdtr, entry_idtr;
extern const uint16_t entry_selectors[6];
}

namespace {

template<typename T>
const T* at(uint32_t address) {
    return reinterpret_cast<const T*>(address);
}

void report_text(const char* name, uint32_t address) {
    pc::print(name);
    pc::print(" [");
    pc::print(at<char>(address));
    pc::print("]\n");
}

void report_registers() {
    constexpr uint32_t interrupts = 0x200, virtual_8086 = 0x2'0000;
    pc::report("eax", entry_eax);
    pc::report("ebx", entry_ebx);
    pc::report("esp", entry_esp);
    pc::report("eflags", entry_eflags & (interrupts | virtual_8086));
    pc::report("cr0", entry_cr0);
    pc::report("gdt limit", entry_gdtr.limit);
    pc::report("idt base", entry_idtr.base);
    pc::report("idt limit", entry_idtr.limit);
    pc::report("tr", entry_tr);
    pc::report("ldtr", entry_ldtr);
    for (const uint16_t selector : entry_selectors)
        pc::report("selector", selector);
    for (uint32_t i = 0; i <= entry_gdtr.limit; i += 8) { // QEMU's are in ROM and cannot be marked
        constexpr uint32_t accessed = 0x100;
        pc::report("descriptor low", *at<uint32_t>(entry_gdtr.base + i));
        pc::report("descriptor high", *at<uint32_t>(entry_gdtr.base + i + 4) & ~accessed);
    }
}

void report_modules(const Information& information) {
    pc::report("modules", information.module_count);
    pc::report("module table", information.modules);
    const auto* modules = at<Module>(information.modules);
    for (uint32_t i = 0; i < information.module_count; ++i) {
        uint32_t sum = 0;
        for (uint32_t byte = modules[i].begin; byte != modules[i].end; ++byte)
            sum = sum * 31 + *at<uint8_t>(byte);
        pc::report("begin", modules[i].begin);
        pc::report("end", modules[i].end);
        pc::report("sum", sum);
        pc::report("reserved", modules[i].reserved);
        report_text("string", modules[i].string);
    }
}

void report_map(const Information& information) {
    pc::report("map bytes", information.map_bytes);
    pc::report("map", information.map);
    for (uint32_t at_entry = information.map; at_entry < information.map + information.map_bytes;) {
        const auto* words = at<uint32_t>(at_entry);
        pc::print("range");
        for (unsigned i = 0; i < 6; ++i) {
            pc::print(' ');
            pc::print_hex(words[i]);
        }
        pc::print('\n');
        at_entry += words[0] + 4;
    }
}

// The names of the sections that have contents in memory.
void report_sections(const Information& information) {
    struct Section {
        uint32_t name, type, flags, address, offset, bytes, link, info, alignment, entry_bytes;
    };
    const auto* sections = at<Section>(information.sections);
    const uint32_t names = sections[information.section_names].address;
    for (uint32_t i = 0; i < information.section_count; ++i)
        if (sections[i].address != 0)
            report_text("section", names + sections[i].name);
}

void report_information(const Information& information) {
    constexpr uint32_t sections = 1u << 5;
    pc::report("flags", information.flags & ~sections);
    pc::report("memory lower", information.memory_lower_kb);
    pc::report("memory upper", information.memory_upper_kb);
    pc::report("boot device", information.boot_device);
    report_text("command line", information.command_line);
    report_modules(information);
    report_map(information);
    pc::report("drives", information.drives_bytes | information.drives);
    pc::report("configuration", information.configuration);
    pc::report("apm", information.apm);
    for (const uint32_t word : information.vbe)
        pc::report("vbe", word);
    report_text("loader", information.loader_name);
    if (information.flags & sections)
        report_sections(information);
}

// Without what counts time, what the floppy's driver keeps, and the video ROM's pointers to itself.
void report_bios_data() {
    struct Part {
        uint32_t begin, end;
    };
    constexpr Part parts[] = {{0x400, 0x43E}, {0x449, 0x467}, {0x470, 0x48B}, {0x490, 0x4A8}};
    for (const Part& part : parts)
        for (uint32_t byte = part.begin; byte < part.end; ++byte) {
            pc::print("bios data ");
            pc::print_hex(byte, 3);
            pc::print(' ');
            pc::print_hex(*at<volatile uint8_t>(byte), 2);
            pc::print('\n');
        }
    pc::report("extended data", *at<volatile uint8_t>(0x9FC00));
}

} // namespace

extern "C" void run(const Information* information) {
    pc::start_console();
    report_registers();
    report_information(*information);
    report_bios_data();
    pc::report("interrupt masks", pc::in8(0x21) | pc::in8(0xA1) << 8);
    pc::leave(0x10);
}

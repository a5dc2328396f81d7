#include "kernel-model/boot/elf_loader.hpp"

#include "kernel-model/arch/layout.hpp"
#include "kernel-model/devices/serial_console.hpp"
#include "kernel-model/panic.hpp"

namespace kernel {

namespace {

// System V ABI, Intel386 supplement.
struct ElfHeader {
    uint8_t identification[16];
    uint16_t type, machine;
    uint32_t version, entry, program_headers, section_headers, flags;
    uint16_t header_bytes, program_header_bytes, program_header_count;
    uint16_t section_header_bytes, section_header_count, names_section;
};
static_assert(sizeof(ElfHeader) == 52);

struct ProgramHeader {
    uint32_t type, offset, virtual_address, physical_address, file_bytes, memory_bytes, flags, alignment;
};
static_assert(sizeof(ProgramHeader) == 32);

constexpr uint32_t elf_magic = 0x464C457F;
constexpr uint8_t class_32 = 1, little_endian = 1;
constexpr uint16_t type_executable = 2, machine_386 = 3;
constexpr uint32_t segment_load = 1;
constexpr uint32_t low_memory_end = 0xA0000, high_memory = 0x100000;

[[noreturn]] void reject(const char* name, const char* reason, l4::MemoryRange where = {}) {
    console.print("kernel: module ", name, ": ", reason);
    if (where.high != 0)
        console.print(", ", Hex{where.low}, " to ", Hex{where.high});
    console.print("\n");
    refuse_to_boot("a module is not fit");
}

void check_place(const char* name, l4::MemoryRange segment, const OccupiedRange* occupied, unsigned count,
                 uint32_t memory_bytes) {
    if (segment.low < high_memory && segment.high > low_memory_end)
        reject(name, "a segment covers the hole below 1 MB", segment);
    if (segment.high > memory_bytes || segment.high > window_size)
        reject(name, "a segment lies beyond the end of memory", segment);
    for (unsigned index = 0; index < count; ++index) {
        const l4::MemoryRange other = occupied[index].range;
        if (segment.low < other.high && other.low < segment.high) {
            console.print("kernel: module ", name, ": overlaps ", occupied[index].what, "\n");
            reject(name, "a segment overlaps memory in use", segment);
        }
    }
}

} // namespace

LoadedProgram load_elf(const char* name, l4::MemoryRange file, const OccupiedRange* occupied,
                       unsigned occupied_count, uint32_t memory_bytes) {
    const uint32_t file_bytes = file.high - file.low;
    if (file_bytes < sizeof(ElfHeader))
        reject(name, "no ELF file: too short");
    const ElfHeader& header = *window<ElfHeader>(file.low);
    if (*reinterpret_cast<const uint32_t*>(header.identification) != elf_magic)
        reject(name, "no ELF file");
    if (header.identification[4] != class_32 || header.identification[5] != little_endian ||
        header.type != type_executable || header.machine != machine_386)
        reject(name, "no statically linked program for IA-32");
    const uint64_t headers_end =
        uint64_t{header.program_headers} + header.program_header_count * sizeof(ProgramHeader);
    if (header.program_header_bytes != sizeof(ProgramHeader) || headers_end > file_bytes)
        reject(name, "damaged ELF program headers");

    LoadedProgram program;
    program.entry = header.entry;
    program.memory = {0xFFFFFFFFu, 0};
    const ProgramHeader* segments = window<ProgramHeader>(file.low + header.program_headers);
    for (unsigned index = 0; index < header.program_header_count; ++index) {
        const ProgramHeader& segment = segments[index];
        if (segment.type != segment_load || segment.memory_bytes == 0)
            continue;
        if (uint64_t{segment.offset} + segment.file_bytes > file_bytes ||
            segment.file_bytes > segment.memory_bytes ||
            uint64_t{segment.physical_address} + segment.memory_bytes > memory_bytes)
            reject(name, "damaged ELF segment, or one beyond the end of memory");
        if (segment.physical_address != segment.virtual_address)
            reject(name, "must be linked at its physical address");
        const l4::MemoryRange place{segment.physical_address,
                                    segment.physical_address + segment.memory_bytes};
        check_place(name, place, occupied, occupied_count, memory_bytes);
        uint8_t* to = window<uint8_t>(place.low);
        const uint8_t* from = window<uint8_t>(file.low + segment.offset);
        __builtin_memcpy(to, from, segment.file_bytes);
        __builtin_memset(to + segment.file_bytes, 0, segment.memory_bytes - segment.file_bytes);
        program.memory.low = place.low < program.memory.low ? place.low : program.memory.low;
        program.memory.high = place.high > program.memory.high ? place.high : program.memory.high;
    }
    if (program.memory.high == 0)
        reject(name, "nothing to load");
    program.memory = {page_of(program.memory.low), round_up_to_page(program.memory.high)};
    return program;
}

} // namespace kernel

#include "tests/native/x87_comparison.hpp"

#include "tests/native/x87_instruction_generator.hpp"

#include "models/cpu/flags.hpp"
#include "models/cpu/x87_state.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fixpoint::native {

using namespace models;
using Generator = X87InstructionGenerator;

namespace {

constexpr uint8_t breakpoint = 3, floating_point_error = 16;
constexpr uint8_t high_conditions = x87_status::condition >> 8, high_c1 = x87_status::c1 >> 8;

uint64_t seed_of(X87Kind kind, uint64_t round, uint64_t index) {
    return (round * 8 + static_cast<uint64_t>(kind)) * 0x9E37'79B9'7F4A'7C15u + index;
}

constexpr bool several(X87Kind kind) {
    return kind == X87Kind::sequence || kind == X87Kind::unmasked_sequence;
}
constexpr bool unmasks(X87Kind kind) {
    return kind == X87Kind::unmasked || kind == X87Kind::unmasked_sequence;
}

// ---- Instructions, by their first bytes without operand size prefix

struct Escape {
    uint8_t opcode, modrm;
    [[nodiscard]] bool memory() const { return modrm < 0xC0; }
    [[nodiscard]] unsigned field() const { return modrm >> 3 & 7; }
};

Escape escape_of(const Chunk& chunk) {
    const size_t at = chunk.bytes[0] == 0x66 && chunk.bytes.size() > 2 ? 1 : 0;
    return {chunk.bytes[at], chunk.bytes.size() > at + 1 ? chunk.bytes[at + 1] : uint8_t{0}};
}

bool compares_to_flags(const Escape& e) { // FCOMI and the like
    return (e.opcode == 0xDB || e.opcode == 0xDF) && !e.memory() && (e.field() == 5 || e.field() == 6);
}
bool compares(const Escape& e) { // FCOM FICOM FUCOM FTST and the like
    const bool field = e.field() == 2 || e.field() == 3;
    switch (e.opcode) {
    case 0xD8:
    case 0xDC:
    case 0xDE:
        return field;
    case 0xDA:
        return e.memory() ? field : e.modrm == 0xE9;
    case 0xD9:
        return e.modrm == 0xE4;
    case 0xDD:
        return !e.memory() && (e.field() == 4 || e.field() == 5);
    default:
        return compares_to_flags(e);
    }
}
bool frees(const Escape& e) { // FFREE FFREEP
    return (e.opcode == 0xDD || e.opcode == 0xDF) && !e.memory() && e.field() == 0;
}
bool loads_real(const Escape& e) { // FLD of 32 and 64 bits
    return (e.opcode == 0xD9 || e.opcode == 0xDD) && e.memory() && e.field() == 0;
}

// Bytes of an FXSAVE area that are the x87's state. AMD's processors write the pointers of the last instruction only while an
// exception is pending (AMD64 Architecture Programmer's Manual, vol. 2, 11.4.4.3); FNSTENV shows them.
bool compared_in_extended(uint32_t offset) {
    constexpr uint32_t header = 5, registers = 32, end = 160, stride = 16, register_bytes = 10;
    return offset < header || (offset >= registers && offset < end && offset % stride < register_bytes);
}

} // namespace

// What two processors that both do as the manuals say may do differently in a case.
struct X87Round::Open {
    uint8_t status = 0; // of the status word's high byte
    uint32_t flags = 0;
    bool stack = false; // the case is not compared behind its last instruction
};

X87Round::X87Round(X87Kind kind, uint64_t number)
    : kind_{kind}, number_{number}, random_{number}, table_{random_},
      image_(image_bytes), native_{table_}, model_{table_} {}

X87Case X87Round::make(uint64_t index) const {
    Generator generator{seed_of(kind_, number_, index), data_begin};
    X87Case made;
    made.page.resize(page_bytes);
    generator.fill(made.page);
    std::vector<Generator::Code> instructions;
    if (kind_ == X87Kind::function) {
        generator.put_moderate_state(made.page);
        instructions.push_back(generator.function());
        made.pointers_known = false;
    } else {
        constexpr unsigned masked_length = 12, unmasked_length = 4;
        generator.put_initial_state(made.page, !unmasks(kind_));
        instructions = generator.sequence(!several(kind_)  ? 1
                                          : unmasks(kind_) ? unmasked_length
                                                           : masked_length,
                                          made.pointers_known);
    }
    instructions.insert(instructions.begin(), generator.prologue());
    instructions.push_back(generator.epilogue());
    for (Generator::Code& code : instructions) {
        Chunk& chunk = made.code.chunks.emplace_back();
        chunk.bytes = std::move(code);
    }
    made.code.address = code_area.begin + 0x400;
    Registers& r = made.code.before;
    for (uint32_t& value : r.general)
        value = generator.word();
    r.eflags = eflags::always_set | eflags::iif | (generator.word() & eflags::arithmetic);
    r.selector.fill(LocalTable::selector(LocalTable::flat_first));
    r.selector[seg_cs] = LocalTable::selector(LocalTable::code_first);
    return made;
}

X87Round::Open X87Round::open_in(const X87Case& candidate) const {
    // The instruction that ended the case, or the only one.
    const std::vector<Chunk>& chunks = candidate.code.chunks;
    size_t last = 1;
    if (got_.vector == floating_point_error) {
        uint32_t end = candidate.code.address - table_[LocalTable::code_first].base;
        for (last = 0; last + 1 < chunks.size(); ++last)
            if ((end += static_cast<uint32_t>(chunks[last].bytes.size())) > got_.end.eip)
                break;
    } else if (several(kind_) || chunks.size() != 3) {
        return {};
    }
    const Escape instruction = escape_of(chunks[last]);
    const uint8_t* image = model_.memory() + Generator::final_extended;
    const bool saved = got_.vector != floating_point_error;
    const unsigned control = saved ? image[0] : got_.x87.control, status = saved ? image[2] : got_.x87.status;
    const unsigned raised = status & ~control;
    Open open;
    if (kind_ == X87Kind::function)
        open.status |= high_c1; // which way the last place was rounded
    // FFREE leaves C1 undefined (SDM vol. 2, FFREE). FCOMI clears it (SDM vol. 2, FCOMI), not so on AMD's processors.
    if (frees(instruction) || compares_to_flags(instruction))
        open.status |= high_c1;
    // After an unmasked invalid operand a comparison has no result (SDM vol. 1, 8.5.1.2); AMD's processors set it.
    if ((raised & float_exception::invalid) != 0 && (status & x87_status::stack_fault) == 0 &&
        compares(instruction)) {
        open.status |= high_conditions;
        open.flags |= compares_to_flags(instruction) ? eflags::arithmetic : 0u;
    }
    // An unmasked denormal operand stops a load before it pushes (SDM vol. 1, 8.5.2); AMD's processors load it.
    open.stack = (raised & float_exception::denormal) != 0 && loads_real(instruction);
    return open;
}

std::string X87Round::compare(const X87Case& candidate) {
    const Open open = open_in(candidate);
    std::string text;
    if (got_.vector != expected_.vector)
        return fmt::format("vector {}, should be {}\n", got_.vector, expected_.vector);
    Registers end = got_.end;
    end.eflags ^= (end.eflags ^ expected_.end.eflags) & open.flags;
    if (end != expected_.end)
        text += fmt::format("eip {:08x} eflags {:08x} registers {:08x}, should be {:08x} {:08x} {:08x}\n",
                            end.eip, end.eflags, fmt::join(end.general, " "), expected_.end.eip,
                            expected_.end.eflags, fmt::join(expected_.end.general, " "));
    if (open.stack)
        return text;
    if (got_.vector == floating_point_error) {
        X87Registers x87 = got_.x87;
        const uint32_t open_status = uint32_t{open.status} << 8;
        x87.status = static_cast<uint16_t>(x87.status ^ ((x87.status ^ expected_.x87.status) & open_status));
        if (x87 != expected_.x87)
            text += fmt::format(
                "control {:04x} status {:04x} tags {:02x} st0 {:02x}, should be {:04x} {:04x} {:02x} "
                "{:02x}\n",
                x87.control, x87.status, x87.occupied, fmt::join(x87.stack[0], ""), expected_.x87.control,
                expected_.x87.status, expected_.x87.occupied, fmt::join(expected_.x87.stack[0], ""));
    }
    // The page, and whatever else must not have changed.
    std::vector<uint8_t> host(native_.area(0).begin(), native_.area(0).end());
    const uint8_t* model = model_.memory();
    if (kind_ == X87Kind::function)
        // Results within two units of the last place, one for each side: ST(0) and ST(1).
        for (const uint32_t offset : {0u, 16u}) {
            const uint32_t place = Generator::final_extended + 32 + offset;
            uint64_t ours = 0, theirs = 0;
            std::memcpy(&ours, model + place, sizeof ours);
            std::memcpy(&theirs, host.data() + place, sizeof theirs);
            if ((ours > theirs ? ours - theirs : theirs - ours) <= 2)
                std::memcpy(host.data() + place, &ours, sizeof ours);
        }
    for (uint32_t i = 0; i < host.size(); ++i) {
        const auto differs = static_cast<uint8_t>(host[i] ^ model[i]);
        if (differs == 0)
            continue;
        constexpr uint32_t area_bytes = 512, pointers = 12, environment_bytes = 28;
        const uint32_t in_area = i - Generator::extended_area, in_final = i - Generator::final_extended,
                       in_environment = i - Generator::final_environment;
        if ((in_area < area_bytes && !compared_in_extended(in_area)) ||
            (in_final < area_bytes && !compared_in_extended(in_final)))
            continue;
        if (in_environment >= pointers && in_environment < environment_bytes && !candidate.pointers_known)
            continue;
        if ((in_final == 3 || in_environment == 5) && (differs & ~open.status) == 0)
            continue;
        return text +
               fmt::format("byte {:03x} of the page is {:02x}, should be {:02x}\n", i, model[i], host[i]);
    }
    size_t at = host.size();
    for (size_t i = 1; i < data_areas.size(); at += data_areas[i++].bytes)
        if (std::memcmp(native_.area(i).data(), model + at, data_areas[i].bytes) != 0)
            text += fmt::format("memory at {:08x} or behind differs\n", data_areas[i].begin);
    return text;
}

std::optional<std::string> X87Round::difference(const X87Case& candidate) {
    const Program program = candidate.code.assemble(table_);
    std::ranges::copy(candidate.page, image_.begin());
    model_.set_memory(image_);
    if (!model_.run(program, got_))
        return "the model neither ends nor faults\n";
    if (plant_)
        plant_(got_, model_.memory());
    instructions_ += candidate.code.chunks.size() - 2;
    faults_ += got_.vector == floating_point_error ? 1 : 0;
    // When the host's system switches processes it may clear the x87's pointers: once more.
    constexpr unsigned attempts = 3;
    std::string text;
    for (unsigned i = 0; i < attempts; ++i) {
        native_.set_memory(image_);
        native_.run(program, expected_);
        text = compare(candidate);
        if (text.empty())
            return std::nullopt;
    }
    return text;
}

X87Case X87Round::shrink(X87Case failing) {
    const auto try_with = [&](X87Case candidate) {
        const bool fails = difference(candidate).has_value();
        if (fails)
            failing = std::move(candidate);
        return fails;
    };
    for (size_t i = 1; i + 1 < failing.code.chunks.size();) {
        X87Case candidate = failing;
        candidate.code.chunks.erase(candidate.code.chunks.begin() + static_cast<std::ptrdiff_t>(i));
        i += try_with(std::move(candidate)) ? 0 : 1;
    }
    constexpr std::ptrdiff_t registers = Generator::initial_image + 28, register_bytes = 10;
    for (std::ptrdiff_t i = 0; i < 8; ++i) {
        X87Case candidate = failing;
        std::fill_n(candidate.page.begin() + registers + i * register_bytes, register_bytes, uint8_t{0});
        try_with(std::move(candidate));
    }
    X87Case candidate = failing;
    candidate.code.before.general.fill(0);
    try_with(std::move(candidate));
    return failing;
}

std::string X87Round::report(uint64_t index, const std::string& test) {
    const X87Case shortest = shrink(make(index));
    const std::string text = difference(shortest).value_or("(the difference does not repeat)\n");
    const auto bytes = [](const uint8_t* from, uint32_t at, uint32_t count) {
        return fmt::format("{:02x}", fmt::join(from + at, from + at + count, " "));
    };
    const uint8_t *model = model_.memory(), *host = native_.area(0).data();
    return fmt::format(
        "{}state {}\nmodel {}\n      {}\nhost  {}\n      {}\n{}again: FIXPOINT_NATIVE_REPLAY={}:{} "
        "native_x87_test --gtest_filter={}\n",
        shortest.code.describe(table_), bytes(shortest.page.data(), Generator::initial_image, 108),
        bytes(model, Generator::final_extended, 160), bytes(model, Generator::final_environment, 28),
        bytes(host, Generator::final_extended, 160), bytes(host, Generator::final_environment, 28), text,
        number_, index, test);
}

} // namespace fixpoint::native

#include "sim/debug/gdb_registers.hpp"

#include "sim/debug/packet.hpp"
#include "sim/debug/segment_descriptor.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <type_traits>

namespace fixpoint::sim {
namespace {

using models::CpuState;
using models::SegmentState;
using models::X87State;

using Read = uint32_t (*)(const CpuState&);
using Write = void (*)(CpuState&, uint32_t);

constexpr unsigned no_stack_index = 8;
constexpr size_t significand_bytes = 8, float_bytes = 10;

struct Register {
    std::string_view name;
    std::string_view type; // as target descriptions name it
    unsigned bits = 32;
    Read read = nullptr;
    Write write = nullptr;                    // nullptr: cannot be written
    unsigned segment = models::segment_count; // a segment register's index
    unsigned stack_index = no_stack_index;    // of a floating-point register
};

template<unsigned Index>
constexpr Register general(std::string_view name, std::string_view type = "int32") {
    return {name, type, 32, [](const CpuState& s) { return s.general[Index]; },
            [](CpuState& s, uint32_t value) { s.general[Index] = value; }};
}

template<unsigned Index>
constexpr Register segment(std::string_view name) {
    return {name,    "int32", 32, [](const CpuState& s) { return uint32_t{s.segment[Index].selector}; },
            nullptr, Index};
}

template<auto Member>
constexpr Register plain(std::string_view name, std::string_view type = "uint32") {
    return {name, type, 32, [](const CpuState& s) { return s.*Member; },
            [](CpuState& s, uint32_t value) { s.*Member = value; }};
}

template<auto Table>
constexpr Register table_base(std::string_view name) {
    return {name, "data_ptr", 32, [](const CpuState& s) { return (s.*Table).base; },
            [](CpuState& s, uint32_t value) { (s.*Table).base = value; }};
}

template<auto Table>
constexpr Register table_limit(std::string_view name) {
    return {name, "uint16", 16, [](const CpuState& s) { return uint32_t{(s.*Table).limit}; },
            [](CpuState& s, uint32_t value) { (s.*Table).limit = static_cast<uint16_t>(value); }};
}

template<auto Segment>
constexpr Register selector(std::string_view name) {
    return {name, "uint16", 16, [](const CpuState& s) { return uint32_t{(s.*Segment).selector}; }};
}

template<unsigned Index>
constexpr Register debug(std::string_view name) {
    return {name, "uint32", 32, [](const CpuState& s) { return s.debug[Index]; },
            [](CpuState& s, uint32_t value) { s.debug[Index] = value; }};
}

// ST(index): the register's place in the stack, not its number.
constexpr Register floating(std::string_view name, unsigned index) {
    Register which{name, "i387_ext", 80};
    which.stack_index = index;
    return which;
}

template<auto Member>
constexpr Register x87(std::string_view name) {
    return {name, "int", 32, [](const CpuState& s) { return uint32_t{s.x87.*Member}; },
            [](CpuState& s, uint32_t value) {
                s.x87.*Member = static_cast<std::remove_reference_t<decltype(s.x87.*Member)>>(value);
            }};
}

template<auto Get, auto Set>
constexpr Register x87_word(std::string_view name) {
    return {name, "int", 32, [](const CpuState& s) { return uint32_t{(s.x87.*Get)()}; },
            [](CpuState& s, uint32_t value) { (s.x87.*Set)(static_cast<uint16_t>(value)); }};
}

constexpr unsigned core_registers = 32;
constexpr std::array registers = {
    general<models::reg_eax>("eax"),
    general<models::reg_ecx>("ecx"),
    general<models::reg_edx>("edx"),
    general<models::reg_ebx>("ebx"),
    general<models::reg_esp>("esp", "data_ptr"),
    general<models::reg_ebp>("ebp", "data_ptr"),
    general<models::reg_esi>("esi"),
    general<models::reg_edi>("edi"),
    plain<&CpuState::eip>("eip", "code_ptr"),
    plain<&CpuState::eflags>("eflags", "i386_eflags"),
    segment<models::seg_cs>("cs"),
    segment<models::seg_ss>("ss"),
    segment<models::seg_ds>("ds"),
    segment<models::seg_es>("es"),
    segment<models::seg_fs>("fs"),
    segment<models::seg_gs>("gs"),
    floating("st0", 0),
    floating("st1", 1),
    floating("st2", 2),
    floating("st3", 3),
    floating("st4", 4),
    floating("st5", 5),
    floating("st6", 6),
    floating("st7", 7),
    Register{"fctrl", "int", 32, [](const CpuState& s) { return uint32_t{s.x87.control}; },
             [](CpuState& s, uint32_t value) { s.x87.set_control(static_cast<uint16_t>(value)); }},
    x87_word<&X87State::status_word, &X87State::set_status_word>("fstat"),
    x87_word<&X87State::tag_word, &X87State::set_tag_word>("ftag"),
    x87<&X87State::code_selector>("fiseg"),
    x87<&X87State::instruction_pointer>("fioff"),
    x87<&X87State::data_selector>("foseg"),
    x87<&X87State::operand_pointer>("fooff"),
    x87<&X87State::opcode>("fop"),
    // The feature of our own.
    plain<&CpuState::cr0>("cr0", "cr0_flags"),
    plain<&CpuState::cr2>("cr2", "data_ptr"),
    plain<&CpuState::cr3>("cr3"),
    plain<&CpuState::cr4>("cr4", "cr4_flags"),
    table_base<&CpuState::gdtr>("gdtr_base"),
    table_limit<&CpuState::gdtr>("gdtr_limit"),
    table_base<&CpuState::idtr>("idtr_base"),
    table_limit<&CpuState::idtr>("idtr_limit"),
    selector<&CpuState::ldtr>("ldtr"),
    selector<&CpuState::tr>("tr"),
    debug<0>("dr0"),
    debug<1>("dr1"),
    debug<2>("dr2"),
    debug<3>("dr3"),
    debug<6>("dr6"),
    debug<7>("dr7"),
};
static_assert(registers[gdb_esp].name == "esp" && registers[gdb_ebp].name == "ebp" &&
              registers[gdb_eip].name == "eip" && registers[core_registers].name == "cr0");

// The hidden part that goes with a selector in the current mode; nothing if there is no usable descriptor.
std::optional<SegmentState> load_hidden_part(const DebugTarget& target, const CpuState& state,
                                             const SegmentState& old, uint16_t value) {
    constexpr uint32_t vm = 1u << 17;
    constexpr uint16_t null_selectors = 3;
    if (!state.protected_mode() || (state.eflags & vm) != 0) {
        SegmentState segment = old;
        segment.selector = value;
        segment.base = uint32_t{value} << 4;
        return segment;
    }
    if (value <= null_selectors)
        return SegmentState{value, 0, 0, 0};
    const auto descriptor = find_descriptor(target, state, value);
    if (!descriptor || !descriptor->present() || !descriptor->is_code_or_data())
        return std::nullopt;
    return descriptor->segment(value);
}

std::string flags_type(std::string_view id,
                       std::initializer_list<std::pair<std::string_view, unsigned>> bits) {
    std::string text = fmt::format("<flags id=\"{}\" size=\"4\">", id);
    for (const auto& [name, bit] : bits)
        text += fmt::format("<field name=\"{0}\" start=\"{1}\" end=\"{1}\"/>", name, bit);
    return text + "</flags>";
}

std::string registers_xml(unsigned begin, unsigned end) {
    std::string text;
    for (unsigned i = begin; i < end; ++i)
        text += fmt::format("<reg name=\"{}\" bitsize=\"{}\" type=\"{}\" regnum=\"{}\"/>\n",
                            registers[i].name, registers[i].bits, registers[i].type, i);
    return text;
}

std::string make_description() {
    // SDM vol. 1, 3.4.3; vol. 3, 2.5.
    const std::string eflags = flags_type("i386_eflags", {{"CF", 0},
                                                          {"", 1},
                                                          {"PF", 2},
                                                          {"AF", 4},
                                                          {"ZF", 6},
                                                          {"SF", 7},
                                                          {"TF", 8},
                                                          {"IF", 9},
                                                          {"DF", 10},
                                                          {"OF", 11},
                                                          {"NT", 14},
                                                          {"RF", 16},
                                                          {"VM", 17},
                                                          {"AC", 18},
                                                          {"VIF", 19},
                                                          {"VIP", 20},
                                                          {"ID", 21}});
    const std::string cr0 = flags_type("cr0_flags", {{"PE", 0},
                                                     {"MP", 1},
                                                     {"EM", 2},
                                                     {"TS", 3},
                                                     {"ET", 4},
                                                     {"NE", 5},
                                                     {"WP", 16},
                                                     {"AM", 18},
                                                     {"NW", 29},
                                                     {"CD", 30},
                                                     {"PG", 31}});
    const std::string cr4 = flags_type("cr4_flags", {{"VME", 0},
                                                     {"PVI", 1},
                                                     {"TSD", 2},
                                                     {"DE", 3},
                                                     {"PSE", 4},
                                                     {"PAE", 5},
                                                     {"MCE", 6},
                                                     {"PGE", 7},
                                                     {"PCE", 8},
                                                     {"OSFXSR", 9},
                                                     {"OSXMMEXCPT", 10}});
    return "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
           "<target version=\"1.0\">\n<architecture>i386</architecture>\n"
           "<feature name=\"org.gnu.gdb.i386.core\">\n" +
           eflags + "\n" + registers_xml(0, core_registers) +
           "</feature>\n<feature name=\"org.fixpoint.i386.system\">\n" + cr0 + cr4 + "\n" +
           registers_xml(core_registers, gdb_register_count()) + "</feature>\n</target>\n";
}

} // namespace

unsigned gdb_register_count() {
    return static_cast<unsigned>(registers.size());
}

std::optional<unsigned> gdb_register_number(std::string_view name) {
    const auto found = std::ranges::find(registers, name, &Register::name);
    return found == registers.end() ? std::nullopt
                                    : std::optional{static_cast<unsigned>(found - registers.begin())};
}

size_t gdb_register_bytes(unsigned number) {
    return number < registers.size() ? registers[number].bits / 8 : 0;
}

std::optional<std::string> read_gdb_register(const CpuState& state, unsigned number) {
    if (number >= registers.size())
        return std::nullopt;
    const Register& which = registers[number];
    if (which.stack_index != no_stack_index) {
        const models::Float80& st = state.x87.st(which.stack_index);
        std::array<uint8_t, float_bytes> bytes{};
        std::memcpy(bytes.data(), &st.significand, significand_bytes);
        std::memcpy(bytes.data() + significand_bytes, &st.sign_exponent, sizeof st.sign_exponent);
        return to_hex(bytes);
    }
    const uint32_t value = which.read(state);
    std::array<uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &value, bytes.size());
    return to_hex(std::span{bytes}.first(which.bits / 8));
}

bool write_gdb_register(const DebugTarget& target, CpuState& state, unsigned number,
                        std::span<const uint8_t> value) {
    if (number >= registers.size() || value.size() != gdb_register_bytes(number))
        return false;
    const Register& which = registers[number];
    if (which.stack_index != no_stack_index) {
        models::Float80& st = state.x87.registers[state.x87.physical(which.stack_index)];
        std::memcpy(&st.significand, value.data(), significand_bytes);
        std::memcpy(&st.sign_exponent, value.data() + significand_bytes, sizeof st.sign_exponent);
        return true;
    }
    uint32_t word = 0;
    std::memcpy(&word, value.data(), value.size());
    if (which.segment != models::segment_count) {
        SegmentState& segment = state.segment[which.segment];
        if (word == segment.selector)
            return true;
        const auto loaded = load_hidden_part(target, state, segment, static_cast<uint16_t>(word));
        if (!loaded || word > 0xFFFF)
            return false;
        segment = *loaded;
        return true;
    }
    if (which.write == nullptr)
        return false;
    which.write(state, word);
    if (number == gdb_eip)
        state.halted = false; // go on there
    return true;
}

const std::string& gdb_target_description() {
    static const std::string description = make_description();
    return description;
}

} // namespace fixpoint::sim

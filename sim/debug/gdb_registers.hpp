// The registers as gdb numbers them, and the description of them that gdb is given.
//
// The first 32 are those of the standard feature org.gnu.gdb.i386.core in the order that gdb demands; a
// feature of our own has the control, descriptor table and debug registers (GDB manual, "Target
// Descriptions", "i386 Features").
#pragma once

#include "sim/debug/debug_target.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fixpoint::sim {

inline constexpr unsigned gdb_esp = 4, gdb_ebp = 5, gdb_eip = 8;

[[nodiscard]] unsigned gdb_register_count();
// The number of a register by its name.
[[nodiscard]] std::optional<unsigned> gdb_register_number(std::string_view name);
// Hexadecimal, in the target's byte order, as packets have it; nothing for a number that does not exist.
[[nodiscard]] std::optional<std::string> read_gdb_register(const models::CpuState& state, unsigned number);
// Bytes of the register on the wire.
[[nodiscard]] size_t gdb_register_bytes(unsigned number);
// False: there is no such register, it cannot be written, or the value is not possible (a selector of no
// usable descriptor). In protected mode a segment register takes its hidden part from the descriptor tables.
[[nodiscard]] bool write_gdb_register(const DebugTarget& target, models::CpuState& state, unsigned number,
                                      std::span<const uint8_t> value);

// target.xml
[[nodiscard]] const std::string& gdb_target_description();

} // namespace fixpoint::sim

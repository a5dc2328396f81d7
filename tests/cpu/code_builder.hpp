// Machine code for tests, as far as they need it in readable form: 32-bit, absolute addresses.
#pragma once

#include "models/cpu/cpu_state.hpp"

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace fixpoint::models {

class Code {
public:
    Code& raw(std::initializer_list<uint8_t> bytes) {
        for (const uint8_t byte : bytes)
            bytes_.push_back(byte);
        return *this;
    }
    Code& append(const Code& more) {
        for (const uint8_t byte : more.bytes())
            bytes_.push_back(byte);
        return *this;
    }
    Code& word(uint32_t value) {
        for (unsigned shift = 0; shift < 32; shift += 8)
            bytes_.push_back(static_cast<uint8_t>(value >> shift));
        return *this;
    }
    Code& set(RegisterIndex reg, uint32_t value) { return raw({opcode(0xB8, reg)}).word(value); }
    Code& load(RegisterIndex reg, uint32_t address) { return raw({0x8B, absolute(reg)}).word(address); }
    Code& store(uint32_t address, RegisterIndex reg) { return raw({0x89, absolute(reg)}).word(address); }
    Code& store_constant(uint32_t address, uint32_t value) {
        return raw({0xC7, 0x05}).word(address).word(value);
    }
    Code& invlpg(uint32_t address) { return raw({0x0F, 0x01, 0x3D}).word(address); }
    Code& from_cr(unsigned number, RegisterIndex reg) { return raw({0x0F, 0x20, pair(number, reg)}); }
    Code& to_cr(unsigned number, RegisterIndex reg) { return raw({0x0F, 0x22, pair(number, reg)}); }
    // Toggles bits of a control register; destroys EAX.
    Code& toggle_cr(unsigned number, uint32_t bits) {
        return from_cr(number, reg_eax).raw({0x35}).word(bits).to_cr(number, reg_eax);
    }
    // Destroys EAX.
    Code& reload_cr3() { return from_cr(3, reg_eax).to_cr(3, reg_eax); }
    Code& rdmsr(uint32_t number) { return set(reg_ecx, number).raw({0x0F, 0x32}); }
    Code& wrmsr(uint32_t number, uint64_t value) {
        return set(reg_ecx, number)
            .set(reg_eax, static_cast<uint32_t>(value))
            .set(reg_edx, static_cast<uint32_t>(value >> 32))
            .raw({0x0F, 0x30});
    }
    Code& halt() { return raw({0xF4}); }

    [[nodiscard]] std::span<const uint8_t> bytes() const { return bytes_; }
    [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(bytes_.size()); }

private:
    static uint8_t opcode(unsigned base, RegisterIndex reg) { return static_cast<uint8_t>(base + reg); }
    static uint8_t absolute(RegisterIndex reg) { return static_cast<uint8_t>(reg << 3 | 5); }
    static uint8_t pair(unsigned number, RegisterIndex reg) {
        return static_cast<uint8_t>(0xC0 | number << 3 | reg);
    }

    std::vector<uint8_t> bytes_;
};

} // namespace fixpoint::models

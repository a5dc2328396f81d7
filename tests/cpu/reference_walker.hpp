// Address translation as the manual describes it, without TLBs, caches or care for speed: what the Mmu is
// compared with.
//
// It works on a copy of all of memory and of the registers that steer translation, so that old states of the
// tables can be asked as well. Beyond memory all bits read as 1.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

namespace fixpoint::models {

struct ReferenceAccess {
    uint32_t linear;
    bool write, user, write_protect; // write_protect: CR0.WP
};

// SDM vol. 3, 4.3 to 4.7.
struct ReferenceWalker {
    std::shared_ptr<const std::vector<uint8_t>> memory;
    bool pae = false, pse = false, pge = false, a20 = true;
    uint32_t cr3 = 0;
    std::array<uint64_t, 4> pointers{}; // PAE

    struct Entry {
        uint64_t address = 0, value = 0;
        unsigned bytes = 0;
    };
    struct Answer {
        uint32_t fault = 0; // error code without W and U bits; only if !mapped
        bool mapped = false;
        std::vector<Entry> entries; // from the top; the last one maps the page
        uint64_t physical = 0;      // 36 bits
        bool user = false, writable = false;

        [[nodiscard]] bool global() const { return (entries.back().value & 0x100) != 0; }
        [[nodiscard]] bool dirty() const { return (entries.back().value & 0x40) != 0; }
        [[nodiscard]] bool accessed() const {
            bool all = true;
            for (const Entry& entry : entries)
                all = all && (entry.value & 0x20) != 0;
            return all;
        }
        // SDM vol. 3, 4.6.
        [[nodiscard]] bool permits(const ReferenceAccess& access) const {
            if (access.user)
                return user && (writable || !access.write);
            return writable || !access.write || !access.write_protect;
        }
    };

    [[nodiscard]] uint64_t mask(uint64_t address) const { return a20 ? address : address & ~0x10'0000ull; }

    [[nodiscard]] uint64_t read(uint64_t address, unsigned bytes) const {
        address = mask(address);
        uint64_t value = bytes == 4 ? 0xFFFF'FFFFu : ~0ull;
        if (address + bytes <= memory->size())
            std::memcpy(&value, memory->data() + address, bytes);
        return value;
    }

    // What MOV CR3 would load; nothing: #GP.
    [[nodiscard]] std::optional<std::array<uint64_t, 4>> load_pointers(uint32_t from) const {
        std::array<uint64_t, 4> loaded{};
        for (unsigned i = 0; i < 4; ++i) {
            loaded[i] = read((from & ~31u) + i * 8, 8);
            const bool reserved = (loaded[i] >> 36) != 0 || (loaded[i] & 0x1E6) != 0;
            if ((loaded[i] & 1) != 0 && reserved)
                return std::nullopt;
        }
        return loaded;
    }

    [[nodiscard]] Answer walk(uint32_t linear) const {
        return pae ? walk_three_levels(linear) : walk_two_levels(linear);
    }

private:
    static constexpr uint32_t absent = 0, reserved_bit = 9;

    [[nodiscard]] static Answer failed(Answer answer, uint32_t cause) {
        answer.fault = cause;
        return answer;
    }
    [[nodiscard]] static Answer found(Answer answer, uint64_t physical) {
        answer.mapped = answer.user = answer.writable = true;
        for (const Entry& entry : answer.entries) {
            answer.user = answer.user && (entry.value & 4) != 0;
            answer.writable = answer.writable && (entry.value & 2) != 0;
        }
        answer.physical = physical;
        return answer;
    }
    [[nodiscard]] Answer walk_two_levels(uint32_t linear) const {
        Answer answer;
        const uint64_t pde_address = (cr3 & 0xFFFF'F000u) + uint64_t{linear >> 22} * 4;
        const uint64_t pde = read(pde_address, 4);
        answer.entries.push_back({pde_address, pde, 4});
        if ((pde & 1) == 0)
            return failed(answer, absent);
        if (pse && (pde & 0x80) != 0) {
            if ((pde & 0x3E'0000) != 0) // bits 21:17
                return failed(answer, reserved_bit);
            const uint64_t high = pde >> 13 & 0xF;
            return found(answer, high << 32 | (pde & 0xFFC0'0000) | (linear & 0x3F'FFFF));
        }
        const uint64_t pte_address = (pde & 0xFFFF'F000) + uint64_t{linear >> 12 & 0x3FF} * 4;
        const uint64_t pte = read(pte_address, 4);
        answer.entries.push_back({pte_address, pte, 4});
        if ((pte & 1) == 0)
            return failed(answer, absent);
        return found(answer, (pte & 0xFFFF'F000) | (linear & 0xFFF));
    }
    [[nodiscard]] Answer walk_three_levels(uint32_t linear) const {
        Answer answer;
        const uint64_t pointer = pointers[linear >> 30];
        if ((pointer & 1) == 0)
            return failed(answer, absent);
        const uint64_t pde_address = (pointer & 0xF'FFFF'F000) + uint64_t{linear >> 21 & 0x1FF} * 8;
        const uint64_t pde = read(pde_address, 8);
        answer.entries.push_back({pde_address, pde, 8});
        if ((pde & 1) == 0)
            return failed(answer, absent);
        if ((pde >> 36) != 0 || ((pde & 0x80) != 0 && (pde & 0x1F'E000) != 0)) // bits 20:13
            return failed(answer, reserved_bit);
        if ((pde & 0x80) != 0)
            return found(answer, (pde & 0xF'FFE0'0000) | (linear & 0x1F'FFFF));
        const uint64_t pte_address = (pde & 0xF'FFFF'F000) + uint64_t{linear >> 12 & 0x1FF} * 8;
        const uint64_t pte = read(pte_address, 8);
        answer.entries.push_back({pte_address, pte, 8});
        if ((pte & 1) == 0)
            return failed(answer, absent);
        if ((pte >> 36) != 0)
            return failed(answer, reserved_bit);
        return found(answer, (pte & 0xF'FFFF'F000) | (linear & 0xFFF));
    }
};

} // namespace fixpoint::models

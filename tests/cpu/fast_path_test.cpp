// The exact short cut changes nothing: random programs run with it and without, compared step by step.
//
// Each seed draws a small machine (so that sets conflict all the time), page tables over few frames with
// aliases, read-only, absent, global and large pages, with and without PAE, and a program of loads, stores,
// string instructions, branches, INVLPG, CR3 loads, changes of privilege and stores into code. Both processors
// are stopped every few cycles; meanwhile devices write and the A20 gate is opened and closed.
#include "tests/cpu/cpu_bench.hpp"
#include "tests/cpu/small_caches.hpp"

#include <gtest/gtest.h>

#include <random>

namespace fixpoint::models {
namespace {

constexpr uint32_t present = 1, writable = 2, user = 4, large = 0x80, global = 0x100;

class Program {
public:
    explicit Program(uint64_t seed) : random_{seed} {}

    uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }

    CpuParameters parameters() {
        return with_small_caches([this](uint32_t limit) { return below(limit); });
    }

    void install(CpuBench& bench) {
        bench.install_tables();
        bench.gate(0x30, CpuBench::handler(0x30), 0xEE);
        for (unsigned v = 0; v < 256; ++v) // skip what faults, at either level: the program goes on at EBP
            bench.put(CpuBench::handler(v), {0xF4});
        const bool pae = below(3) == 0;
        install_pages(bench, pae);
        CpuState s = CpuBench::flat_state();
        s.cr0 |= 0x8000'0000u | (below(2) != 0 ? 0x1'0000u : 0);
        s.cr3 = pae ? pointers : directory;
        s.cr4 = 0x90 | (pae ? 0x20 : 0);
        bench.cpu.set_state(s);
        generate();
        bench.put(code_frame, std::span{code_});
        if (below(2) != 0)
            bench.set_user(0x3202);
    }

private:
    // The program and the tables are where bit 20 is 0, so that the A20 gate leaves them alone. With PAE,
    // tables of 512 entries stand one behind the other.
    static constexpr uint32_t code_frame = 0x60'0000, directory = 0x28'0000, pointers = 0x28'1000,
                              table = 0x28'2000, data_table = 0x28'4000;

    void install_pages(CpuBench& bench, bool pae) {
        const uint32_t width = pae ? 8 : 4;
        constexpr uint32_t all = present | writable | user, code_page = CpuBench::code_address >> 12;
        const uint32_t large_rights = all | large | (below(2) != 0 ? global : 0);
        if (pae) {
            bench.put32(pointers, directory | present);
            bench.put32(directory, table | all);
            bench.put32(directory + 8, (table + 0x1000) | all);
            bench.put32(directory + 16, data_table | all);
            for (uint32_t i = 0; i < 2; ++i)
                bench.put32(directory + (4 + i) * 8, i << 21 | large_rights);
        } else {
            bench.put32(directory, table | all);
            bench.put32(directory + 4, data_table | all);
            bench.put32(directory + 8, large_rights);
        }
        for (uint32_t i = 0; i < 1024; ++i)
            bench.put32(table + i * width, i << 12 | all);
        for (uint32_t i = 0; i < 8; ++i)
            bench.put32(table + (code_page + i) * width, (code_frame + i * 0x1000) | all);
        for (uint32_t i = 0; i < 64; ++i) {
            const uint32_t frame = 0x30'0000 + below(24) * 0x1000; // aliases
            const uint32_t rights = (below(8) != 0 ? present : 0) | (below(4) != 0 ? writable : 0) |
                                    (below(4) != 0 ? user : 0) | (below(4) == 0 ? global : 0);
            bench.put32(data_table + i * width, frame | rights);
        }
    }
    void bytes(std::initializer_list<uint32_t> list) {
        for (const uint32_t value : list)
            code_.push_back(static_cast<uint8_t>(value));
    }
    void word(uint32_t value) { bytes({value, value >> 8, value >> 16, value >> 24}); }
    uint32_t address() {
        const uint32_t offset = below(4) != 0 ? below(256) * 4 : below(4096);
        switch (below(6)) {
        case 0:
            return 0x80'0000 + 0x30'0000 + below(8) * 0x1000 + offset; // through the large page
        case 1:
            return CpuBench::code_address + 0x8000 + offset; // beside the code
        case 2:
            return CpuBench::code_address + below(2048); // in the code: see below
        default:
            return 0x40'0000 + below(8) * (1 + below(8)) * 0x1000 + offset;
        }
    }
    void generate() {
        code_.clear();
        while (code_.size() < 6000) {
            const uint32_t where = address();
            const bool in_code = where >= CpuBench::code_address && where < CpuBench::code_address + 6000;
            switch (below(12)) {
            case 0:
            case 1:
            case 2:
                bytes({0xA1});
                word(where);
                break;
            case 3:
            case 4:
                if (in_code) { // a store that leaves the code as it is: mov ecx, [x]; mov [x], ecx
                    bytes({0x8B, 0x0D});
                    word(where);
                    bytes({0x89, 0x0D});
                } else {
                    bytes({0xA3});
                }
                word(where);
                break;
            case 5:
                if (in_code)
                    break;
                bytes({0x01, 0x05}); // add [x], eax
                word(where);
                break;
            case 6: // mov esi, edi, ecx; rep movs
                if (in_code)
                    break;
                bytes({0xBE});
                word(address());
                bytes({0xBF});
                word(0x40'0000 + below(0x8000));
                bytes({0xB9});
                word(below(100));
                bytes({0xF3, 0xA4 | below(2)});
                break;
            case 7:
                if (in_code)
                    break;
                bytes({0xBF});
                word(0x40'0000 + below(0x8000));
                bytes({0xB9});
                word(below(100));
                bytes({0xF3, 0xAA | below(2)});
                break;
            case 8: // invlpg (faults at level 3)
                if (below(4) == 0) {
                    bytes({0x0F, 0x01, 0x3D});
                    word(where);
                }
                break;
            case 9: // mov eax, cr3; mov cr3, eax
                if (below(8) == 0)
                    bytes({0x0F, 0x20, 0xD8, 0x0F, 0x22, 0xD8});
                break;
            case 10: // a branch over nothing
                bytes({0x70 | below(16), 0});
                break;
            default: // push, pop, call and return
                bytes({0x50, 0x59, 0xE8, 0, 0, 0, 0, 0x58});
                break;
            }
        }
        bytes({0xE9});
        word(0u - static_cast<uint32_t>(code_.size() + 4)); // again from the beginning
    }

    std::mt19937_64 random_;
    std::vector<uint8_t> code_;
};

// After a fault both processors continue at the next of these places, at the other privilege level.
void go_on(CpuBench& bench, uint32_t eip, bool as_user) {
    CpuState s = bench.cpu.state();
    s.halted = false;
    s.eip = eip;
    s.general[reg_esp] = CpuBench::stack_top;
    s.eflags = 2;
    bench.cpu.set_state(s);
    if (as_user)
        bench.set_user(0x3202);
    else {
        CpuState kernel = bench.cpu.state();
        kernel.segment = CpuBench::flat_state().segment;
        bench.cpu.set_state(kernel);
    }
}

// The last byte's line must not be taken for the first one's.
TEST(FastPath, IsExactForAnAccessOverTwoLinesOfACacheOfOneSet) {
    CpuParameters parameters = pentium3_parameters();
    parameters.l1_data = {32, 1, 32, 0};
    CpuBench fast{parameters}, plain{parameters};
    plain.cpu.set_fast_path(false);
    for (CpuBench* bench : {&fast, &plain}) {
        bench->code({0xA1, 0x20, 0x00, 0x20, 0x00, // mov eax, [0x200020]
                     0xA1, 0x1E, 0x00, 0x20, 0x00, // mov eax, [0x20001E]: from the line before
                     0xF4});
        bench->run();
    }
    EXPECT_EQ(fast.cpu.cycles(), plain.cpu.cycles());
    EXPECT_EQ(fast.cpu.timing_state_digest(), plain.cpu.timing_state_digest());
}

class FastPathEquivalence : public testing::TestWithParam<unsigned> {};

TEST_P(FastPathEquivalence, SameCyclesAndStateStepByStep) {
    const uint64_t seed = GetParam();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Program first{seed}, second{seed};
    CpuBench fast{first.parameters()}, plain{second.parameters()};
    plain.cpu.set_fast_path(false);
    first.install(fast);
    second.install(plain);
    std::mt19937_64 steps{seed};
    uint64_t target = 0, faults = 0;
    bool a20 = true;
    for (unsigned step = 0; step < 3000; ++step) {
        target = std::max(target, fast.cpu.cycles()) + steps() % 200;
        const Cpu::Stop a = fast.cpu.run(target), b = plain.cpu.run(target);
        ASSERT_EQ(a, b) << "step " << step;
        ASSERT_EQ(fast.cpu.cycles(), plain.cpu.cycles()) << "step " << step;
        ASSERT_EQ(fast.cpu.stall_cycles(), plain.cpu.stall_cycles()) << "step " << step;
        ASSERT_EQ(fast.cpu.instructions(), plain.cpu.instructions()) << "step " << step;
        ASSERT_TRUE(fast.cpu.state() == plain.cpu.state()) << "step " << step;
        if (step % 16 == 0) {
            ASSERT_EQ(fast.cpu.timing_state_digest(), plain.cpu.timing_state_digest()) << "step " << step;
        }
        if (a == Cpu::Stop::halted || a == Cpu::Stop::halted_for_ever || a == Cpu::Stop::triple_fault) {
            ++faults;
            const uint32_t eip = CpuBench::code_address; // the start is always an instruction
            const bool as_user = steps() % 2 != 0;
            go_on(fast, eip, as_user);
            go_on(plain, eip, as_user);
        }
        if (steps() % 64 == 0) {
            a20 = !a20;
            fast.cpu.set_a20(a20);
            plain.cpu.set_a20(a20);
        }
        if (steps() % 64 == 0) { // a device writes
            const auto physical =
                static_cast<uint32_t>(0x30'0000 + steps() % 24 * 0x1000 + steps() % 4096 / 64 * 64);
            const auto value = static_cast<uint32_t>(steps());
            for (CpuBench* bench : {&fast, &plain}) {
                bench->put32(physical, value);
                bench->cpu.snoop_write(physical, 64);
            }
        }
    }
    EXPECT_EQ(fast.cpu.timing_state_digest(), plain.cpu.timing_state_digest());
    EXPECT_EQ(std::memcmp(fast.memory.data(), plain.memory.data(), 8u << 20), 0);
    EXPECT_GT(fast.cpu.counters().data_tlb_misses, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FastPathEquivalence, testing::Range(1u, 41u));

} // namespace
} // namespace fixpoint::models

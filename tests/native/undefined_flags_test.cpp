// The flags that the manual calls undefined, as docs/undefined-flags.csv lists them: what QEMU and Bochs agree on, the
// model does (undefined_flags/observe.py makes the table).
#include "tests/cpu/cpu_bench.hpp"

#include "models/cpu/flags.hpp"

#include <algorithm>
#include <bit>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <sstream>

namespace fixpoint::native {
namespace {

using namespace models;

struct Row {
    std::string instruction, condition, flag, qemu, bochs, model;
    std::vector<uint8_t> code;
    unsigned bits = 0;
    bool agree = false;
};

std::vector<Row> table() {
    std::ifstream file{FIXPOINT_UNDEFINED_FLAGS};
    std::vector<Row> rows;
    std::string line;
    std::getline(file, line); // the columns' names
    while (std::getline(file, line)) {
        std::istringstream cells{line};
        Row row;
        std::string code, bits, agree;
        std::getline(cells, row.instruction, ',');
        std::getline(cells, code, ',');
        std::getline(cells, bits, ',');
        std::getline(cells, row.condition, ',');
        std::getline(cells, row.flag, ',');
        std::getline(cells, row.qemu, ',');
        std::getline(cells, row.bochs, ',');
        std::getline(cells, agree, ',');
        std::getline(cells, row.model, ',');
        for (size_t i = 0; i + 1 < code.size(); i += 2)
            row.code.push_back(static_cast<uint8_t>(std::stoul(code.substr(i, 2), nullptr, 16)));
        row.bits = static_cast<unsigned>(std::stoul(bits));
        row.agree = agree == "yes";
        rows.push_back(row);
    }
    return rows;
}

// One execution: EAX is the first operand and the result, ECX the second operand or the count.
struct Execution {
    uint32_t a, b, result, before, after;
    unsigned bits, count;
    uint32_t flag;

    [[nodiscard]] bool top(uint32_t value) const { return (value >> (bits - 1) & 1) != 0; }
    // SF, ZF or PF of a value.
    [[nodiscard]] bool flag_of(uint32_t value) const {
        return flag == eflags::sf   ? top(value)
               : flag == eflags::zf ? value == 0
                                    : std::popcount(value & 0xFF) % 2 == 0;
    }
};

const std::map<std::string, std::function<bool(const Execution&)>>& rules() {
    static const std::map<std::string, std::function<bool(const Execution&)>> all{
        {"kept", [](const Execution& e) { return (e.before & e.flag) != 0; }},
        {"0", [](const Execution&) { return false; }},
        {"1", [](const Execution&) { return true; }},
        {"of the result", [](const Execution& e) { return e.flag_of(e.result); }},
        {"top bit xor CF",
         [](const Execution& e) { return e.top(e.result) != ((e.after & eflags::cf) != 0); }},
        {"top two bits differ", [](const Execution& e) { return e.top(e.result) != e.top(e.result << 1); }},
        {"top bit changed", [](const Execution& e) { return e.top(e.result) != e.top(e.a); }},
        {"top bit before", [](const Execution& e) { return e.top(e.a); }},
        {"lowest bit before", [](const Execution& e) { return (e.a & 1) != 0; }},
    };
    return all;
}

constexpr std::pair<const char*, uint32_t> flag_bits[] = {{"CF", eflags::cf}, {"PF", eflags::pf},
                                                          {"AF", eflags::af}, {"ZF", eflags::zf},
                                                          {"SF", eflags::sf}, {"OF", eflags::of}};

class UndefinedFlags : public testing::Test {
protected:
    uint32_t word() { return static_cast<uint32_t>(random()); }
    // Operands that fulfil the row's condition.
    void prepare(const Row& row, CpuState& s) {
        const uint32_t mask = row.bits == 32 ? ~0u : (1u << row.bits) - 1;
        for (const unsigned reg : {reg_eax, reg_ecx, reg_edx})
            s.general[reg] = word();
        uint32_t& second = s.general[reg_ecx];
        const auto count = [&](uint32_t from, uint32_t to) {
            second = (second & ~0xFFu) | (from + word() % (to - from + 1));
        };
        if (row.condition == "count 1")
            count(1, 1);
        else if (row.condition == "1 < count < size")
            count(2, row.bits - 1);
        else if (row.condition == "1 < count <= size")
            count(2, std::min(row.bits, 31u));
        else if (row.condition == "count = size")
            count(row.bits, row.bits);
        else if (row.condition == "count > size")
            count(row.bits + 1, 31);
        else if (row.condition == "source 0")
            second &= ~mask;
        else if (row.condition == "source not 0")
            second |= 1u << (word() % row.bits);
        else if (row.instruction == "div" || row.instruction == "idiv") {
            second = (second & ~(mask & ~(mask >> 1))) | 1u << (row.bits - 2); // positive and large
            s.general[reg_edx] &= ~mask;
            s.general[reg_eax] &= row.bits == 8 ? ~0xFF00u : ~0u;
        } else {
            ASSERT_TRUE(row.condition == "always" || row.condition == "one operand" ||
                        row.condition == "two operands")
                << row.condition;
        }
        s.eflags = eflags::always_set | (word() & eflags::arithmetic);
    }

    CpuBench bench;
    std::mt19937_64 random{1};
};

TEST_F(UndefinedFlags, AreAsTheTableSays) {
    const std::vector<Row> rows = table();
    constexpr size_t fewest = 200; // rows: the table is there and complete
    ASSERT_GT(rows.size(), fewest);
    constexpr unsigned executions = 200;
    unsigned tested = 0;
    for (const Row& row : rows) {
        SCOPED_TRACE(row.instruction + " " + std::to_string(row.bits) + " " + row.condition + " " + row.flag);
        if (row.agree) {
            EXPECT_EQ(row.model, row.qemu);
        }
        if (row.model == "-")
            continue;
        const auto rule = rules().find(row.model);
        ASSERT_NE(rule, rules().end()) << row.model;
        const auto flag = std::ranges::find_if(flag_bits, [&](const auto& f) { return row.flag == f.first; });
        ASSERT_NE(flag, std::end(flag_bits));
        std::vector<uint8_t> code = row.code;
        constexpr uint8_t halt = 0xF4;
        code.push_back(halt);
        bench.put(CpuBench::code_address, std::span{code});
        bench.cpu.snoop_write(CpuBench::code_address, static_cast<uint32_t>(code.size()));
        for (unsigned i = 0; i < executions; ++i) {
            CpuState s = CpuBench::flat_state();
            prepare(row, s);
            bench.cpu.set_state(s);
            const CpuState after = bench.run();
            ASSERT_TRUE(after.halted);
            const uint32_t mask = row.bits == 32 ? ~0u : (1u << row.bits) - 1;
            const Execution e{s.general[reg_eax] & mask,
                              s.general[reg_ecx] & mask,
                              after.general[reg_eax] & mask,
                              s.eflags,
                              after.eflags,
                              row.bits,
                              s.general[reg_ecx] & 31,
                              flag->second};
            ASSERT_EQ((after.eflags & flag->second) != 0, rule->second(e))
                << std::hex << "eax " << s.general[reg_eax] << " ecx " << s.general[reg_ecx] << " flags "
                << s.eflags << " gave eax " << after.general[reg_eax] << " flags " << after.eflags;
        }
        ++tested;
    }
    EXPECT_GT(tested, fewest);
}

} // namespace
} // namespace fixpoint::native

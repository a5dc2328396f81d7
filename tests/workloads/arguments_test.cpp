#include "workloads/root/boot_modules.hpp"
#include "workloads/runtime/arguments.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace {

using workloads::Arguments;
using workloads::TextView;

std::string to_string(const TextView& view) {
    return {view.data, view.length};
}

TEST(Arguments, FindsValuesByTheWholeKey) {
    const Arguments arguments("  page=1 pages=22  seed=3");
    EXPECT_EQ(to_string(arguments.find("pages")), "22");
    EXPECT_EQ(to_string(arguments.find("page")), "1");
    EXPECT_FALSE(arguments.find("pag").present());
    EXPECT_FALSE(arguments.find("seeds").present());
}

TEST(Arguments, ReadsNumbersWithinTheirRange) {
    Arguments arguments("a=0 b=100 c=18446744073709551615");
    EXPECT_EQ(arguments.number("a", 5, 0, 10), 0u);
    EXPECT_EQ(arguments.number("b", 5, 0, 100), 100u);
    EXPECT_EQ(arguments.number("c", 5, 0, ~uint64_t{0}), ~uint64_t{0});
    EXPECT_EQ(arguments.number("absent", 7, 0, 10), 7u);
    EXPECT_EQ(arguments.bad_key(), nullptr);
}

TEST(Arguments, NotesTheFirstBadNumber) {
    for (const char* text :
         {"a=101", "a=", "a", "a=x", "a=1x", "a=-1", "a=4", "a=18446744073709551616", "a=0x10"}) {
        Arguments arguments(text);
        EXPECT_EQ(arguments.number("a", 50, 5, 100), 50u) << text;
        ASSERT_NE(arguments.bad_key(), nullptr) << text;
        EXPECT_STREQ(arguments.bad_key(), "a");
    }
}

TEST(Arguments, ReadsFractions) {
    Arguments arguments("a=1 b=0.5 c=0.99 d=8.0");
    EXPECT_EQ(arguments.fraction_q16("a", 0, 8), 1u << 16);
    EXPECT_EQ(arguments.fraction_q16("b", 0, 8), 1u << 15);
    EXPECT_EQ(arguments.fraction_q16("c", 0, 8), 64880u);
    EXPECT_EQ(arguments.fraction_q16("d", 0, 8), 8u << 16);
    EXPECT_EQ(arguments.fraction_q16("absent", 77, 8), 77u);
    EXPECT_EQ(arguments.bad_key(), nullptr);
}

TEST(Arguments, NotesBadFractions) {
    for (const char* text : {"a=.5", "a=1.", "a=8.1", "a=9", "a=1.0000000001", "a=1,5", "a=1.5.5"}) {
        Arguments arguments(text);
        EXPECT_EQ(arguments.fraction_q16("a", 3, 8), 3u) << text;
        EXPECT_NE(arguments.bad_key(), nullptr) << text;
    }
}

TEST(Arguments, ChoosesAmongWords) {
    const char* const words[] = {"sequential", "uniform"};
    Arguments arguments("p=uniform q=uni");
    EXPECT_EQ(arguments.choice("p", 0, words, 2), 1u);
    EXPECT_EQ(arguments.bad_key(), nullptr);
    EXPECT_EQ(arguments.choice("q", 0, words, 2), 0u);
    EXPECT_STREQ(arguments.bad_key(), "q");
}

TEST(Arguments, NamesAnUnknownKey) {
    const char* const known[] = {"pages", "seed"};
    EXPECT_EQ(to_string(Arguments("pages=1 sed=2").unknown_key(known, 2)), "sed");
    EXPECT_FALSE(Arguments("seed=1 pages=2").unknown_key(known, 2).present());
    EXPECT_FALSE(Arguments("").unknown_key(known, 2).present());
}

TEST(BootModules, SplitACommandLineIntoFileNameAndArguments) {
    const struct {
        const char* line;
        const char* name;
        const char* arguments;
    } cases[] = {{"ledger.elf accounts=1 seed=2", "ledger.elf", "accounts=1 seed=2"},
                 {"/a/b.c/ide.elf", "ide.elf", ""},
                 {"  image/root.elf   exit=debug", "root.elf", "exit=debug"},
                 {"x.elf path=/a/b", "x.elf", "path=/a/b"},
                 {"", "", ""}};
    for (const auto& c : cases) {
        TextView name;
        const char* arguments = nullptr;
        workloads::split_command_line(c.line, name, arguments);
        EXPECT_TRUE(name.equals(c.name)) << c.line;
        EXPECT_STREQ(arguments, c.arguments);
    }
}

} // namespace

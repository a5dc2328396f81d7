#include "sim/config/toml_file.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

TEST(Value, WrittenAsTomlReadsBackTheSame) {
    const char* text =
        "integer = -3\nreal = 0.1\nwhole = 2.0\ntiny = 1e-09\ntext = \"a \\\"b\\\"\\\\\\n\"\nyes = true\n"
        "day = 2000-09-06\nlist = [1, [2.5, \"x\"]]\n\"odd key\" = 1\n\n[table]\nx = 1\n\n[table.inner]\n"
        "y = 2\n\n[[many]]\nz = 1\n\n[[many]]\nz = 2\n";
    const std::string written = to_toml(parse_toml(text, "file"));
    EXPECT_EQ(written, text);
}

TEST(Value, RemembersWhereItWasWritten) {
    const Value value = parse_toml("a = 1\n[t]\n  key = [1,\n 2]", "some.toml");
    EXPECT_EQ(value.find("a")->place.text(), "some.toml:1:5");
    EXPECT_EQ(value.find("t")->members[0].place.text(), "some.toml:3:3");
    EXPECT_EQ(value.find("t")->find("key")->elements[1].place.text(), "some.toml:4:2");
    const Value copy = value;
    EXPECT_EQ(copy.find("a")->place.text(), "some.toml:1:5");
}

} // namespace
} // namespace fixpoint::sim

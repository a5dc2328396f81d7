#include "sim/config/configuration_error.hpp"
#include "sim/config/override.hpp"
#include "sim/config/section.hpp"
#include "sim/config/toml_file.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

TEST(Override, AValueThatIsNoTomlIsAString) {
    EXPECT_EQ(parse_override("a=12").value.kind, Value::Kind::integer);
    EXPECT_EQ(parse_override("a=1.5").value.kind, Value::Kind::real);
    EXPECT_EQ(parse_override("a=true").value.kind, Value::Kind::boolean);
    EXPECT_EQ(parse_override("a=[1, 2]").value.elements.size(), 2u);
    EXPECT_EQ(parse_override("a=on-write").value.text, "on-write");
    EXPECT_EQ(parse_override("a=\"12\"").value.kind, Value::Kind::text);
    EXPECT_EQ(parse_override("a=").value.text, "");
    EXPECT_EQ(parse_override("a=1\nb=2").value.text, "1\nb=2");
    EXPECT_EQ(parse_override("a=x=y").value.text, "x=y");
}

TEST(Override, MakesTheTablesOnItsWay) {
    Value document = Value::make_table();
    apply_override(document, parse_override("a.b.c=1"));
    apply_override(document, parse_override("list[0].x=2"));
    apply_override(document, parse_override("list[1].x=3"));
    EXPECT_EQ(to_toml(document), "[a]\n\n[a.b]\nc = 1\n\n[[list]]\nx = 2\n\n[[list]]\nx = 3\n");
}

TEST(Override, RefusesKeysThatAreNone) {
    Value document = parse_toml("a = 1\nlist = [1]", "file");
    for (const char* wrong :
         {".a=1", "a..b=1", "a.=1", "list[x]=1", "list[=1", "list[0]x=1", "a.b=1", "a[0]=1"})
        EXPECT_THROW(apply_override(document, parse_override(wrong)), ConfigurationError) << wrong;
    EXPECT_THROW((void)parse_override("=1"), ConfigurationError);
}

TEST(Suggestion, NamesTheNearestKeyIfOneIsNear) {
    const std::vector<std::string> keys = {"interval_ms", "copy", "tracking", "store"};
    EXPECT_EQ(suggestion("intervall_ms", keys), "; did you mean interval_ms?");
    EXPECT_EQ(suggestion("interval", keys), "; did you mean interval_ms?");
    EXPECT_EQ(suggestion("stroe", keys), "; did you mean store?");
    EXPECT_EQ(suggestion("xyzzy", keys), "");
}

TEST(EditDistance, CountsInsertionsDeletionsAndSubstitutions) {
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
    EXPECT_EQ(edit_distance("same", "same"), 0u);
}

} // namespace
} // namespace fixpoint::sim

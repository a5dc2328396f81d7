#include "workloads/runtime/text_line.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace {

using workloads::TextLine;

TEST(TextLine, FormatsNumbers) {
    EXPECT_STREQ(TextLine().text("a=").decimal(0).text(" b=").decimal(18446744073709551615u).c_str(),
                 "a=0 b=18446744073709551615");
    EXPECT_STREQ(TextLine().hex(0).text(" ").hex(0xAB, 4).text(" ").hex(0x123456789u).c_str(),
                 "0 00ab 123456789");
    EXPECT_STREQ(TextLine().signed_decimal(-5).text(" ").signed_decimal(7).c_str(), "-5 7");
    EXPECT_STREQ(TextLine().signed_decimal(std::numeric_limits<int64_t>::min()).c_str(),
                 "-9223372036854775808");
}

TEST(TextLine, CutsWhatIsTooLong) {
    TextLine line;
    line.text(std::string(1000, 'x').c_str()).decimal(5);
    EXPECT_EQ(line.length(), TextLine::capacity);
    EXPECT_EQ(std::string(line.c_str()), std::string(TextLine::capacity, 'x'));
}

} // namespace

#include "models/chipset/fw_cfg.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fixpoint::models {
namespace {

class FwCfg : public testing::Test {
protected:
    std::string item(uint16_t key, size_t bytes) {
        configuration.write(0, 2, key);
        std::string content;
        for (size_t i = 0; i < bytes; ++i)
            content += static_cast<char>(configuration.read(1, 1));
        return content;
    }
    FirmwareConfiguration configuration;
};

TEST_F(FwCfg, ShowsItsSignatureAndThatThereIsNoDma) {
    EXPECT_EQ(item(FirmwareConfiguration::signature, 4), "QEMU");
    EXPECT_EQ(item(FirmwareConfiguration::identification, 4), std::string("\1\0\0\0", 4));
}

TEST_F(FwCfg, BeyondAnItemAndWithoutOneThereAreZeros) {
    configuration.set_number(FirmwareConfiguration::processors, 0x0201, 2);
    EXPECT_EQ(item(FirmwareConfiguration::processors, 4), std::string("\1\2\0\0", 4));
    EXPECT_EQ(item(0x4321, 2), std::string(2, '\0'));
}

TEST_F(FwCfg, SelectingAnItemBeginsItAnew) {
    EXPECT_EQ(item(FirmwareConfiguration::signature, 2), "QE");
    EXPECT_EQ(item(FirmwareConfiguration::signature, 2), "QE");
}

TEST_F(FwCfg, TheWriteChannelIsTheSameItem) {
    EXPECT_EQ(item(0x4000 | FirmwareConfiguration::signature, 4), "QEMU");
}

TEST_F(FwCfg, DataComeFromBothPorts) {
    configuration.write(0, 2, FirmwareConfiguration::signature);
    EXPECT_EQ(configuration.read(0, 1), uint32_t{'Q'});
    EXPECT_EQ(configuration.read(1, 1), uint32_t{'E'});
}

TEST_F(FwCfg, OnlyAWordSelects) {
    configuration.write(0, 1, FirmwareConfiguration::identification);
    EXPECT_EQ(configuration.read(1, 1), uint32_t{'Q'});
}

TEST_F(FwCfg, FilesAreFoundByTheirDirectory) {
    configuration.add_file("etc/one", {1, 2, 3});
    configuration.add_file("two", {9});
    const std::string directory = item(FirmwareConfiguration::directory, 4 + 2 * 64);
    EXPECT_EQ(directory.substr(0, 4), std::string("\0\0\0\2", 4));
    EXPECT_EQ(directory.substr(4, 8), std::string("\0\0\0\3\0\x20\0\0", 8));
    EXPECT_EQ(directory.substr(12, 8), std::string("etc/one\0", 8));
    EXPECT_EQ(directory.substr(4 + 64 + 8, 4), std::string("two\0", 4));
    EXPECT_EQ(item(0x20, 3), "\1\2\3");
    EXPECT_EQ(item(0x21, 1), "\x9");
}

TEST_F(FwCfg, NamesAreLimited) {
    EXPECT_NO_THROW(configuration.add_file(std::string(55, 'n'), {}));
    EXPECT_THROW(configuration.add_file(std::string(56, 'n'), {}), std::invalid_argument);
}

} // namespace
} // namespace fixpoint::models

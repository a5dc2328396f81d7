#include "tests/machine/qemu_comparison.hpp"

#include "tests/machine/machine_fixtures.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <sys/wait.h>

namespace fixpoint::sim::test {
namespace {

std::string qemu_command(const BootImage& image, uint32_t memory_mib, const std::filesystem::path& disk) {
    std::string modules;
    for (const BootImage::Module& module : image.modules) {
        modules += modules.empty() ? " -initrd '" : ",";
        modules += module.file.string();
        if (!module.arguments.empty())
            modules += " " + module.arguments;
    }
    if (!modules.empty())
        modules += "'";
    std::string command = "timeout 60 qemu-system-i386 -M pc -cpu pentium3 -parallel null -m ";
    command += std::to_string(memory_mib) + " -kernel '" + image.kernel.string();
    command += "' -append '" + image.append + "'" + modules;
    command += " -nic none -display none -serial stdio -serial null -monitor none "
               "-device isa-debug-exit,iobase=0xf4,iosize=0x04 -drive file=";
    command += disk.string();
    command += ",format=raw,if=ide < /dev/null 2>&1";
    return command;
}

std::string read_all(FILE* pipe) {
    std::string text;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
        text += static_cast<char>(c);
    return text;
}

bool begins_with_any(const std::string& line, const std::vector<std::string>& beginnings) {
    return std::ranges::any_of(beginnings,
                               [&](const std::string& beginning) { return line.starts_with(beginning); });
}

std::string without(const std::string& text, const std::vector<std::string>& beginnings) {
    std::string left;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
        if (!begins_with_any(line, beginnings))
            left += line + "\n";
    return left;
}

} // namespace

bool have_qemu() {
    return std::system("command -v qemu-system-i386 > /dev/null") == 0;
}

void expect_same_as_qemu(const BootImage& image, const ComparedMachine& compared) {
    const tests::TemporaryFolder folder{"qemu-comparison"};
    models::DiskImage{disk_sectors}.save(folder / "disk.img");
    FILE* qemu = popen(qemu_command(image, compared.memory_mib, folder / "disk.img").c_str(), "r");
    ASSERT_NE(qemu, nullptr);
    const std::string expected = read_all(qemu);
    const int status = pclose(qemu);
    ASSERT_TRUE(WIFEXITED(status)) << expected;

    const std::filesystem::path console = folder / "console";
    in_child([&] {
        models::DiskImage disk{disk_sectors};
        MachineParameters parameters = test_machine();
        parameters.memory.bytes = uint64_t{compared.memory_mib} << 20;
        Machine machine{parameters, &disk};
        const Result result = boot_and_run(machine, image);
        EXPECT_EQ(result.end, RunEnd::debug_exit);
        EXPECT_EQ(static_cast<int>(machine.debug_exit_value() << 1 | 1), WEXITSTATUS(status));
        std::ofstream{console} << result.console;
    });
    std::ifstream in{console};
    const std::string console_text{std::istreambuf_iterator<char>{in}, {}};
    EXPECT_EQ(without(console_text, compared.differing), without(expected, compared.differing));
}

} // namespace fixpoint::sim::test

// QEMU and Bochs, each a process that boots the image and writes the serial line into a file.
#include "tests/differential/image_file.hpp"
#include "tests/differential/processor.hpp"
#include "tests/differential/watched_process.hpp"
#include "tests/support/temporary_folder.hpp"

#include <cstdlib>
#include <fstream>

#include <unistd.h>

namespace differential {
namespace {

std::filesystem::path find_program(const std::string& name) {
    const char* path = std::getenv("PATH");
    std::string_view rest = path != nullptr ? path : "";
    while (!rest.empty()) {
        const size_t colon = std::min(rest.find(':'), rest.size());
        std::filesystem::path candidate = std::filesystem::path{rest.substr(0, colon)} / name;
        if (access(candidate.c_str(), X_OK) == 0)
            return candidate;
        rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
    return {};
}

// The driver writes as soon as it runs: an emulator that ends in silence has not started.
std::vector<uint8_t> output_of(const std::string& name, const std::filesystem::path& serial,
                               const Watched& watched) {
    std::vector<uint8_t> output = read_file(serial);
    if (output.empty() && watched.ended)
        throw std::runtime_error(name + " ended before it ran the image; its last words:\n" + watched.last);
    return output;
}

class Qemu final : public Processor {
public:
    Qemu(std::filesystem::path program, GuestFiles files)
        : program_{std::move(program)}, files_{std::move(files)} {}
    [[nodiscard]] std::string name() const override { return "qemu"; }
    [[nodiscard]] bool lenient() const override { return true; }

private:
    Run run(const std::vector<uint8_t>& module, double patience_seconds) override {
        write_file(folder_ / "module", module);
        std::filesystem::remove(folder_ / "serial");
        const Watched watched = run_watched({program_.string(),
                                             "-M",
                                             "pc",
                                             "-accel",
                                             "tcg",
                                             "-cpu",
                                             "pentium3",
                                             "-m",
                                             "64",
                                             "-kernel",
                                             files_.driver.string(),
                                             "-initrd",
                                             (folder_ / "module").string(),
                                             "-nic",
                                             "none",
                                             "-display",
                                             "none",
                                             "-monitor",
                                             "none",
                                             "-vga",
                                             "none",
                                             "-serial",
                                             "file:" + (folder_ / "serial").string(),
                                             "-device",
                                             "isa-debug-exit,iobase=0xf4,iosize=0x04"},
                                            folder_ / "serial", patience_seconds);
        return {output_of(name(), folder_ / "serial", watched), watched.seconds};
    }

    std::filesystem::path program_;
    GuestFiles files_;
    fixpoint::tests::TemporaryFolder folder_{"fixpoint-differential"};
};

class Bochs final : public Processor {
public:
    Bochs(std::filesystem::path program, const GuestFiles& files)
        : program_{std::move(program)}, driver_{flatten(files.driver)}, rom_{flatten(files.boot_rom)} {}
    [[nodiscard]] std::string name() const override { return "bochs"; }

private:
    Run run(const std::vector<uint8_t>& module, double patience_seconds) override {
        std::vector<uint8_t> memory = driver_.bytes;
        memory.resize(module_address - driver_.address);
        memory.insert(memory.end(), module.begin(), module.end());
        memory.resize((memory.size() + 511) & ~size_t{511});
        write_file(folder_ / "memory", memory);
        write_file(folder_ / "rom", rom_.bytes);
        std::filesystem::remove(folder_ / "serial");
        const auto path = [&](const char* name) { return (folder_ / name).string(); };
        std::ofstream{folder_ / "bochsrc"}
            << "romimage: file=" << path("rom") << "\noptramimage1: file=" << path("memory") << ", address=0x"
            << std::hex << driver_.address << std::dec
            << "\nmegs: 64\ndisplay_library: term\ncpu: model=p3_katmai, count=1, ips=1000000, "
               "reset_on_triple_fault=1\n"
               "com1: enabled=1, mode=file, dev="
            << path("serial") << "\nlog: " << path("log")
            << "\npanic: action=fatal\nerror: action=report\ninfo: action=ignore\ndebug: action=ignore\n"
               "pci: enabled=0\nata0: enabled=0\n";
        // Debian's Bochs has its debugger built in: it asks at the beginning and at each triple fault.
        std::ofstream commands{folder_ / "commands"};
        for (unsigned i = 0; i < triple_faults_at_most; ++i)
            commands << "continue\n";
        commands.close();
        const Watched watched =
            run_watched({program_.string(), "-q", "-f", path("bochsrc"), "-rc", path("commands")},
                        folder_ / "serial", patience_seconds);
        return {output_of(name(), folder_ / "serial", watched), watched.seconds};
    }

    static constexpr unsigned triple_faults_at_most = 1000;

    std::filesystem::path program_;
    FlatProgram driver_, rom_;
    fixpoint::tests::TemporaryFolder folder_{"fixpoint-differential"};
};

} // namespace

std::unique_ptr<Processor> make_qemu(const GuestFiles& files) {
    const std::filesystem::path program = find_program("qemu-system-i386");
    return program.empty() ? nullptr : std::make_unique<Qemu>(program, files);
}
std::unique_ptr<Processor> make_bochs(const GuestFiles& files) {
    const std::filesystem::path program = find_program("bochs");
    return program.empty() ? nullptr : std::make_unique<Bochs>(program, files);
}

} // namespace differential

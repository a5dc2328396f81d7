// QEMU's side: a qemu-system-i386 whose devices are reached by the qtest protocol and whose time is virtual.
//
// Its processor halts at the first instruction of the ROM, so that nobody but the test touches a device; there is no
// firmware. Sources: QEMU's documentation of the qtest protocol (docs/devel/qtest) and of QMP.
#pragma once

#include "tests/qtest/subject.hpp"
#include "tests/qtest/virtual_clock.hpp"
#include "tests/support/temporary_folder.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace fixpoint::qtest {

// A socket to QEMU that speaks in lines.
class LineSocket {
public:
    // Listens at `path`; QEMU connects.
    explicit LineSocket(const std::filesystem::path& path);
    ~LineSocket();
    LineSocket(const LineSocket&) = delete;
    LineSocket& operator=(const LineSocket&) = delete;

    void accept();
    void send(std::string_view text);
    [[nodiscard]] std::string
    receive(); // a line without its end; throws std::runtime_error when QEMU has ended

private:
    int listening_ = -1, connection_ = -1;
    std::string buffer_;
    size_t begin_ = 0;
};

class Emulator {
public:
    // `program`: of QEMU. `clock_library`: virtual_clock_preload. `images`: of the IDE units, empty where there is no
    // drive. Throws std::runtime_error if QEMU does not start.
    Emulator(const std::filesystem::path& program, const std::filesystem::path& clock_library,
             const Subject& subject, const std::vector<std::filesystem::path>& images);
    ~Emulator();
    Emulator(const Emulator&) = delete;
    Emulator& operator=(const Emulator&) = delete;

    // Resets the machine and goes to the next whole second of its virtual time, which is returned.
    uint64_t reset();
    // From that second on.
    Observations run(const Steps& steps, const std::vector<Instant>& instants);

private:
    void start(const std::filesystem::path& program, const std::filesystem::path& clock_library,
               const std::vector<std::string>& options, const std::vector<std::filesystem::path>& images);
    void stop();
    void intercept(Watch watch);
    std::string qmp(const std::string& command, const std::string& arguments); // JSON of what it returns
    [[nodiscard]] std::string command_of(const Step& step) const;
    void synchronise(std::vector<Observation::Change>& changes);
    std::string reply(std::vector<Observation::Change>& changes);
    void send_key(const Step& step);
    void wait_for_disk(unsigned channel, std::vector<Observation::Change>& changes);

    tests::TemporaryFolder folder_{"fixpoint-qtest"};
    LineSocket qtest_{folder_ / "qtest"}, qmp_{folder_ / "qmp"};
    VirtualClock* clock_ = nullptr;
    pid_t child_ = -1;
    std::string pics_[2]; // QOM paths: master, slave
    uint64_t start_ns_ = 0;
    uint32_t levels_ = 0;
};

} // namespace fixpoint::qtest

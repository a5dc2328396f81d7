// What fixpoint can be told to do; each command returns the program's exit status.
//
// 0: fine; 1: the experiment ran and something did not hold; 2: bad usage or configuration (thrown as
// ConfigurationError or BootError, and said by main). `boot` has its own (see boot_command.cpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fixpoint::sim {

inline constexpr int exit_fine = 0, exit_did_not_hold = 1, exit_bad_usage = 2;
inline constexpr int exit_interrupted = 130; // as shells have it

struct RunOptions {
    std::string configuration;
    std::vector<std::string> set;
    std::optional<std::string> seed;
    std::string out; // empty: results/local/NAME
    bool quiet = false;
    std::optional<uint16_t> gdb; // port
    std::string profile;         // file; empty: none
    std::string write_faults;    // file; empty: none
};
int run_command(const RunOptions& options);

struct SweepOptions {
    std::string configuration;
    std::vector<std::string> set;
    std::string out;
    unsigned jobs = 0; // 0: one a processor
    bool quiet = false;
};
int sweep_command(const SweepOptions& options);

struct BootOptions {
    std::string kernel, append;       // one of kernel and bios
    std::string bios;                 // a ROM image, or "seabios"
    std::vector<std::string> modules; // "FILE ARGUMENTS"
    std::vector<std::string> disks;   // "IMG[,key=value...]"
    std::string machine = "machines/pentium3-500.toml";
    std::optional<long long> memory_mib;
    std::string serial = "stdio"; // stdio, null or a file
    bool vga = false;             // print the screen
    std::string keyboard;         // stdio; empty: nobody types
    std::optional<double> max_seconds;
    std::vector<std::string> set;
    std::optional<uint16_t> gdb; // port
    std::string profile;         // file; empty: none
};
int boot_command(const BootOptions& options);

struct BenchOptions {
    std::vector<std::string> names; // empty: all loops
    std::string machine = "machines/pentium3-500.toml";
    unsigned percent = 100; // of the loops' usual length
    std::vector<std::string> set;
};
int bench_command(const BenchOptions& options);

// disk: 0 fine, sound, same; 1 damaged, different; 2 no checkpoint disk, trouble.
int disk_info_command(const std::string& image);
int disk_verify_command(const std::string& image);
int disk_diff_command(const std::string& first_image, const std::string& second_image);

int validate_command(const std::vector<std::string>& configurations);
int list_command(const std::string& what);

} // namespace fixpoint::sim

#include "tests/differential/classes/classes.hpp"
#include "tests/differential/processor.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
using namespace differential;
int main(int argc, char** argv) {
    GuestFiles files{std::string(argv[1]) + "/differential_driver.elf", std::string(argv[1]) + "/differential_boot_rom.elf"};
    std::vector<Case> cases;
    for (int i = 0; i < atoi(argv[2]); ++i)
        cases.push_back(generate_case(1, i));
    (void)argc;
    std::vector<std::unique_ptr<Processor>> p;
    p.push_back(make_model(files));
    p.push_back(make_qemu(files));
    p.push_back(make_bochs(files));
    for (auto& x : p) {
        auto t = std::chrono::steady_clock::now();
        auto d = x->digests(cases);
        printf("%s %g s\n", x->name().c_str(), std::chrono::duration<double>(std::chrono::steady_clock::now() - t).count());
        for (int i = 0; i < 10; ++i)
            printf(" %08x", d[i]);
        printf("\n");
    }
}

// The smallest root task: shows that the kernel boots two modules and serves page faults, then ends the
// machine.
#include "kernel-model/boot/multiboot.hpp"
#include "tests/kernel/guest/checks.hpp"

extern "C" void test_main(uint32_t multiboot_information) {
    using namespace kernel_test;
    l4::print_string("hello from the root task\n");
    check(l4::my_id() == l4::root_thread, "the root task's id is {1, 0, 4, 4}");
    const auto* information = reinterpret_cast<const kernel::multiboot::Information*>(multiboot_information);
    check(information->module_count == 2, "two modules");
    const auto* modules = reinterpret_cast<const kernel::multiboot::Module*>(information->modules);
    l4::print_string(reinterpret_cast<const char*>(modules[1].command_line));
    l4::print_char('\n');
    finish();
}

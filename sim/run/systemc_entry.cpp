#include "sim/run/systemc_entry.hpp"

#include <cstdlib>
#include <systemc>
#include <utility>

namespace {

std::function<void()> body_of_main; // sc_main takes no argument but strings

} // namespace

int sc_main(int, char**) {
    body_of_main();
    return 0;
}

namespace fixpoint::sim {

void run_in_systemc(std::function<void()> function) {
    body_of_main = std::move(function);
    setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    // Information such as "sc_stop called" is nothing that a user of fixpoint would miss.
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    char name[] = "fixpoint";
    char* arguments[] = {name, nullptr};
    (void)sc_core::sc_elab_and_sim(1, arguments);
}

} // namespace fixpoint::sim

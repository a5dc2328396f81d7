// fixpoint: simulates whole-system checkpoints by a user-level pager.
#include "sim/command_line/commands.hpp"
#include "sim/command_line/parse.hpp"
#include "sim/config/configuration_error.hpp"
#include "sim/run/process_pool.hpp"

#include <cstdio>
#include <exception>
#include <stdexcept>

int main(int count, char** arguments) {
    using namespace fixpoint;
    try {
        return sim::run_command_line(count, arguments);
    } catch (const sim::ConfigurationError& error) { // names its place itself
        std::fprintf(stderr, "%s\n", error.what());
        return sim::exit_bad_usage;
    } catch (
        const std::exception& error) { // files that cannot be used, parameters that contradict each other
        std::fprintf(stderr, "fixpoint: %s\n", error.what());
        return sim::exit_bad_usage;
    }
}

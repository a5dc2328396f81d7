#include "sim/command_line/commands.hpp"
#include "sim/config/configuration_error.hpp"
#include "sim/config/experiment.hpp"
#include "sim/config/machine_keys.hpp"
#include "sim/config/search_path.hpp"
#include "sim/sweep/sweep_plan.hpp"

#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

// Says what the file is. Throws ConfigurationError.
std::string validate(const std::filesystem::path& path) {
    Value document = read_configuration(path, {});
    if (document.find("sweep"))
        return fmt::format("a sweep of {} runs", plan_sweep(path, {}).points.size());
    MachineParameters parameters{};
    Section root(document, "");
    if (document.find("cpu") && !document.find("experiment")) {
        read_machine_keys(root, parameters);
        return "a machine";
    }
    if (document.find("kind") && !document.find("experiment")) {
        read_disk_keys(root, parameters.disk);
        return "a disk";
    }
    (void)read_experiment(std::move(document));
    return "an experiment";
}

} // namespace

int validate_command(const std::vector<std::string>& configurations) {
    int status = exit_fine;
    for (const std::string& name : configurations) {
        try {
            const std::string what = validate(find_configuration(name));
            fmt::print("{}: ok, {}\n", name, what);
        } catch (const ConfigurationError& error) {
            fmt::print(stderr, "{}\n", error.what());
            status = exit_bad_usage;
        }
    }
    return status;
}

} // namespace fixpoint::sim

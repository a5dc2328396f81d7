#include "sim/command_line/machine_file.hpp"

#include "sim/config/experiment.hpp"
#include "sim/config/machine_keys.hpp"
#include "sim/config/search_path.hpp"
#include "sim/config/toml_file.hpp"

namespace fixpoint::sim {

MachineParameters read_machine(const std::string& file, const std::vector<std::string>& set,
                               std::optional<long long> memory_mib) {
    std::vector<Override> overrides;
    overrides.reserve(set.size());
    for (const std::string& text : set)
        overrides.push_back(parse_override(text));
    Value document = read_configuration(find_configuration(file), overrides);
    if (memory_mib) {
        Value bytes = Value::make_integer(*memory_mib << 20);
        bytes.place = {"--memory", 0, 0};
        apply_override(document, {"memory.bytes", std::move(bytes)});
    }
    MachineParameters parameters{};
    Section root(document, "");
    read_machine_keys(root, parameters);
    return parameters;
}

} // namespace fixpoint::sim

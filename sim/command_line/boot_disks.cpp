#include "sim/command_line/boot_disks.hpp"

#include "sim/config/configuration_error.hpp"
#include "sim/config/machine_keys.hpp"
#include "sim/config/override.hpp"
#include "sim/config/toml_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace fixpoint::sim {
namespace {

using Access = models::DiskImage::Access;

constexpr const char* default_model = "disks/deskstar-75gxp.toml";
constexpr size_t units = std::tuple_size_v<MachineDisks>;

struct Description {
    std::string file, model = default_model;
    std::optional<size_t> unit;
    Access access = Access::read_write;
    std::vector<Override> overrides; // of the model's keys
};

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    size_t from = 0;
    while (true) {
        const size_t end = text.find(separator, from);
        parts.push_back(text.substr(from, end - from));
        if (end == std::string::npos)
            return parts;
        from = end + 1;
    }
}

[[noreturn]] void fail(std::string_view key, std::string_view expected, std::string_view found) {
    throw ConfigurationError(fmt::format("--disk: {}: expected {}, found \"{}\"", key, expected, found));
}

Access parse_access(const std::string& value) {
    if (value == "read-write")
        return Access::read_write;
    if (value == "overlay")
        return Access::overlay;
    if (value == "read-only")
        return Access::read_only;
    fail("access", "read-write, overlay or read-only", value);
}

Access parse_overlay(const std::string& value) {
    if (value == "true")
        return Access::overlay;
    if (value == "false")
        return Access::read_write;
    fail("overlay", "true or false", value);
}

size_t parse_unit(const std::string& value) {
    for (size_t unit = 0; unit < units; ++unit)
        if (value == std::to_string(unit))
            return unit;
    fail("unit", "0 to 3", value);
}

Description parse(const std::string& text) {
    const std::vector<std::string> parts = split(text, ',');
    Description description;
    description.file = parts.front();
    for (size_t i = 1; i < parts.size(); ++i) {
        const size_t equals = parts[i].find('=');
        if (equals == std::string::npos)
            throw ConfigurationError(fmt::format("--disk: expected key=value, found \"{}\"", parts[i]));
        const std::string key = parts[i].substr(0, equals), value = parts[i].substr(equals + 1);
        if (key == "model")
            description.model = value;
        else if (key == "unit")
            description.unit = parse_unit(value);
        else if (key == "access")
            description.access = parse_access(value);
        else if (key == "overlay")
            description.access = parse_overlay(value);
        else
            description.overrides.push_back({key, parse_toml_value(value, {"--disk", 0, 0})});
    }
    return description;
}

models::DiskParameters read_parameters(const Description& description) {
    Value disk = Value::make_text(description.model);
    disk.place = {"--set", 0, 0}; // a file named on the command line: looked up from the current folder
    include_file(disk, "model");
    for (const Override& assignment : description.overrides)
        apply_override(disk, assignment);
    Section root(disk, "");
    models::DiskParameters parameters{};
    read_disk_keys(root, parameters);
    return parameters;
}

std::unique_ptr<models::DiskImage> open_image(const Description& description) {
    if (!std::filesystem::is_regular_file(description.file))
        throw ConfigurationError(
            fmt::format("--disk: expected a raw disk image, found no file {}", description.file));
    return std::make_unique<models::DiskImage>(description.file, description.access);
}

} // namespace

BootDisks::BootDisks(const std::vector<std::string>& descriptions) {
    if (descriptions.size() > units)
        throw ConfigurationError(
            fmt::format("--disk: expected at most {} disks, found {}", units, descriptions.size()));
    std::vector<Description> parsed;
    std::array<const Description*, units> places{};
    for (const std::string& text : descriptions)
        parsed.push_back(parse(text));
    for (const Description& description : parsed) {
        if (!description.unit)
            continue;
        if (std::exchange(places[*description.unit], &description) != nullptr)
            throw ConfigurationError(
                fmt::format("--disk: expected one disk as unit {}, found two", *description.unit));
    }
    for (const Description& description : parsed)
        if (!description.unit)
            *std::find(places.begin(), places.end(), nullptr) = &description;
    for (size_t unit = 0; unit < units; ++unit)
        if (places[unit] != nullptr)
            disks_[unit] = {read_parameters(*places[unit]), open_image(*places[unit])};
}

MachineDisks BootDisks::attached() const {
    MachineDisks attached;
    for (size_t unit = 0; unit < units; ++unit)
        attached[unit] = {disks_[unit].parameters, disks_[unit].image.get()};
    return attached;
}

} // namespace fixpoint::sim

#include "sim/observe/callgrind_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <tuple>

namespace fixpoint::sim {
namespace {

constexpr std::string_view unknown_file = "???", unknown_object = "(unknown)",
                           processor_object = "(processor)";

// Numbers names: "(1) name" the first time, "(1)" later.
class Names {
public:
    std::string compressed(const std::string& name) {
        const auto [entry, is_new] = numbers_.try_emplace(name, numbers_.size() + 1);
        return is_new ? fmt::format("({}) {}", entry->second, name) : fmt::format("({})", entry->second);
    }

private:
    std::map<std::string, size_t> numbers_;
};

class Writer {
public:
    explicit Writer(const Profile& profile) : profile_(profile) {}

    std::string text() {
        const ProfileCost total = profile_.total();
        out_ =
            fmt::format("# callgrind format\nversion: 1\ncreator: fixpoint\ncmd: {}\npart: 1\n"
                        "desc: Trigger: end of the run\npositions: instr line\nevents: Instructions Cycles\n"
                        "summary: {} {}\n\n",
                        profile_.sites().modules().front().file().string(), total.instructions, total.cycles);
        pseudo_function("(idle)", {0, profile_.idle_cycles()});
        pseudo_function("(before the first instruction)", profile_.unattributed());
        const ProfileFunction* current = nullptr;
        for (const ProfileSite* site : in_order()) {
            if (site->function != current)
                begin_function(*site->function);
            current = site->function;
            write(*site);
        }
        out_ += fmt::format("\ntotals: {} {}\n", total.instructions, total.cycles);
        return std::move(out_);
    }

private:
    [[nodiscard]] std::vector<const ProfileSite*> in_order() const {
        std::vector<const ProfileSite*> sites;
        for (const ProfileSite& site : profile_.sites().all())
            sites.push_back(&site);
        std::ranges::stable_sort(sites, {}, [](const ProfileSite* site) {
            return std::tuple(site->function->module, site->address);
        });
        return sites;
    }

    [[nodiscard]] std::string object_name(uint32_t module) const {
        return module == no_module
                   ? std::string(unknown_object)
                   : std::filesystem::absolute(profile_.sites().modules()[module].file()).string();
    }
    [[nodiscard]] std::string file_name(uint32_t module, const GuestModule::Line& line) const {
        return module == no_module || line.file == GuestModule::no_file
                   ? std::string(unknown_file)
                   : profile_.sites().modules()[module].file_name(line.file);
    }

    void pseudo_function(const std::string& name, const ProfileCost& cost) {
        if (cost == ProfileCost{})
            return;
        out_ += fmt::format("ob={}\nfl={}\nfn={}\n0 0 {} {}\n\n",
                            objects_.compressed(std::string(processor_object)),
                            files_.compressed(std::string(unknown_file)), functions_.compressed(name),
                            cost.instructions, cost.cycles);
    }

    void begin_function(const ProfileFunction& function) {
        file_ = file_name(function.module, function.line);
        out_ += fmt::format("\nob={}\nfl={}\nfn={}\n", objects_.compressed(object_name(function.module)),
                            files_.compressed(file_), functions_.compressed(function.name));
    }

    void write(const ProfileSite& site) {
        const std::string file = file_name(site.function->module, site.line);
        if (file != file_) // code from another file: a function that was inlined
            out_ += fmt::format("fi={}\n", files_.compressed(file));
        file_ = file;
        out_ += fmt::format("{:#x} {} {} {}\n", site.address, site.line.number, site.self.instructions,
                            site.self.cycles);
        for (const auto& calls : site.calls) {
            const ProfileFunction& callee = *calls->callee;
            out_ += fmt::format("cob={}\ncfi={}\ncfn={}\ncalls={} {:#x} {}\n{:#x} {} {} {}\n",
                                objects_.compressed(object_name(callee.module)),
                                files_.compressed(file_name(callee.module, callee.line)),
                                functions_.compressed(callee.name), calls->count, calls->callee_address,
                                callee.line.number, site.address, site.line.number,
                                calls->inclusive.instructions, calls->inclusive.cycles);
        }
    }

    const Profile& profile_;
    Names objects_, files_, functions_;
    std::string file_; // that positions are in
    std::string out_;
};

} // namespace

std::string to_callgrind(const Profile& profile) {
    return Writer(profile).text();
}

CallgrindFile::CallgrindFile(const std::filesystem::path& place)
    : place_{place}, unfinished_{place.string() + ".unfinished"}, stream_{unfinished_, std::ios::binary} {
    if (!stream_)
        throw ProfileFileError(
            fmt::format("--profile: cannot write {}: {}", place_.string(), std::strerror(errno)));
}

CallgrindFile::~CallgrindFile() {
    std::error_code ignored;
    std::filesystem::remove(unfinished_, ignored);
}

void CallgrindFile::write(const Profile& profile) {
    stream_ << to_callgrind(profile);
    stream_.close();
    std::error_code error;
    if (stream_)
        std::filesystem::rename(unfinished_, place_, error);
    if (!stream_ || error)
        throw ProfileFileError(fmt::format("--profile: cannot write {}", place_.string()));
}

} // namespace fixpoint::sim

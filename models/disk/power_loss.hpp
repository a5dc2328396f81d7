// What a drive does to the data it had accepted but not yet written when its power fails.
//
// Vendors promise that only unflushed data is lost and that at most one sector, the one under the head, comes
// out old, new or unreadable; drives in the field also reorder. So each behaviour is a mode of its own. A
// reset is none of these: it leaves the write cache alone.
#pragma once

#include <optional>
#include <string_view>

namespace fixpoint::models {

enum class PowerLoss {
    // "lose-cache": only what reached the media stays; the sector in flight is old, new or unreadable.
    lose_cache,
    // "torn": the write in flight is cut at a random place: whole sectors before it are new, the sector at the
    // cut is a silent mix of new and old bytes.
    torn,
    // "reordered": any subset of the unflushed sectors is on the media.
    reordered,
    // "keep": all unflushed sectors arrive (a drive with enough energy to finish).
    keep,
    // "bad-sector": only what reached the media stays; the sector in flight, or the one that would have been
    // written next, is unreadable until it is rewritten.
    bad_sector,
};

[[nodiscard]] constexpr std::string_view to_string(PowerLoss mode) {
    switch (mode) {
    case PowerLoss::lose_cache:
        return "lose-cache";
    case PowerLoss::torn:
        return "torn";
    case PowerLoss::reordered:
        return "reordered";
    case PowerLoss::keep:
        return "keep";
    case PowerLoss::bad_sector:
        return "bad-sector";
    }
    return "";
}

inline constexpr PowerLoss all_power_loss_modes[] = {
    PowerLoss::lose_cache, PowerLoss::torn, PowerLoss::reordered, PowerLoss::keep, PowerLoss::bad_sector};

[[nodiscard]] constexpr std::optional<PowerLoss> power_loss_from_string(std::string_view name) {
    for (const PowerLoss mode : all_power_loss_modes)
        if (to_string(mode) == name)
            return mode;
    return std::nullopt;
}

} // namespace fixpoint::models

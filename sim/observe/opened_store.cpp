#include "sim/observe/opened_store.hpp"

#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

std::optional<store::StoreKind> kind_on(store::BlockDevice& device) {
    store::StoreKind kind{};
    return store::find_kind(device, kind) ? std::optional(kind) : std::nullopt;
}

} // namespace

OpenedStore::OpenedStore(store::BlockDevice& device)
    : kind_(kind_on(device)), store_(&either_.of_kind(kind_.value_or(store::StoreKind::ab))),
      memory_(store_->memory_bytes(device.sector_count()) / sizeof(uint64_t) + 1),
      status_(
          store_->open(device, memory_.data(), static_cast<uint32_t>(memory_.size() * sizeof(uint64_t)))) {}

std::string OpenedStore::explanation() const {
    const store::Damage& damage = store_->damage();
    switch (status_) {
    case store::OpenStatus::checkpoint:
        return fmt::format("checkpoint of epoch {}", store_->epoch());
    case store::OpenStatus::empty:
        return "formatted, no checkpoint yet";
    case store::OpenStatus::blank:
        return "blank, never formatted";
    case store::OpenStatus::foreign:
        return "no checkpoint disk";
    case store::OpenStatus::other_kind:
        return fmt::format("a store of unknown kind {}", damage.number);
    case store::OpenStatus::damaged_roots:
        return fmt::format("both copies of a root are bad: epoch {} may be lost", damage.epoch);
    case store::OpenStatus::damaged_index:
        return fmt::format("both copies of index block {} of epoch {} are bad", damage.number, damage.epoch);
    case store::OpenStatus::damaged_directory:
        return fmt::format("both copies of directory block {} of epoch {} are bad", damage.number,
                           damage.epoch);
    case store::OpenStatus::damaged_page:
        return fmt::format("the page in slot {} is bad", damage.number);
    case store::OpenStatus::wrong_version:
        return fmt::format("a checkpoint disk of format version {}, not {}", damage.number,
                           store::format_version);
    case store::OpenStatus::too_small:
        return "too small for a checkpoint disk";
    case store::OpenStatus::no_memory:
    case store::OpenStatus::device_failed:
        break;
    }
    return "cannot be read";
}

} // namespace fixpoint::sim

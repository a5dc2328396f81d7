// A store on a test's disk, with its memory.
#pragma once

#include <cstdint>
#include <vector>

#include "pager/store/either_store.hpp"

namespace fixpoint::test {

inline constexpr store::StoreKind all_store_kinds[] = {store::StoreKind::ab, store::StoreKind::log};

class OpenedStore {
public:
    explicit OpenedStore(store::BlockDevice& disk, store::StoreKind kind, bool older_allowed = false,
                         store::Reading reading = store::Reading::whole)
        : opened{either_.of_kind(kind)},
          memory_(opened.memory_bytes(disk.sector_count()) / 8 + 1, whatever_is_in_memory),
          status{opened.open(disk, memory_.data(), static_cast<uint32_t>(memory_.size() * 8), older_allowed,
                             reading)} {}
    // Of the kind that lies on the disk.
    explicit OpenedStore(store::BlockDevice& disk) : OpenedStore{disk, kind_on(disk)} {}

private:
    static store::StoreKind kind_on(store::BlockDevice& disk) {
        store::StoreKind kind = store::StoreKind::ab;
        return store::find_kind(disk, kind) ? kind : store::StoreKind::ab;
    }
    static constexpr uint64_t whatever_is_in_memory = 0x0000'0005'1030'0007;
    store::EitherStore either_;

public:
    store::Store& opened;

private:
    std::vector<uint64_t> memory_;

public:
    const store::OpenStatus status;
};

} // namespace fixpoint::test

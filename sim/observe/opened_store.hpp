// The store on a disk, of whichever kind, opened on the host by its own code.
#pragma once

#include "pager/store/either_store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fixpoint::sim {

class OpenedStore {
public:
    // `device` must outlive the store. Nothing is written.
    explicit OpenedStore(store::BlockDevice& device);

    // The kind that label or roots name. Nothing: the disk is none of ours, or so damaged that nothing tells.
    [[nodiscard]] std::optional<store::StoreKind> kind() const { return kind_; }
    [[nodiscard]] store::OpenStatus status() const { return status_; }
    [[nodiscard]] store::Store& operator*() { return *store_; }
    [[nodiscard]] store::Store* operator->() { return store_; }

    // What the status means, in words.
    [[nodiscard]] std::string explanation() const;

private:
    std::optional<store::StoreKind> kind_;
    store::EitherStore either_;
    store::Store* store_;
    std::vector<uint64_t> memory_;
    store::OpenStatus status_;
};

} // namespace fixpoint::sim

// Both kinds of store, of which a run uses one.
#pragma once

#include "pager/store/ab_store.hpp"
#include "pager/store/log_store.hpp"

namespace store {

class EitherStore {
public:
    Store& of_kind(StoreKind kind) { return kind == StoreKind::log ? static_cast<Store&>(log_) : ab_; }

private:
    AbStore ab_;
    LogStore log_;
};

} // namespace store

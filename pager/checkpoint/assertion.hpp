// A broken invariant is a bug of the server's: it says so and stops, before it can damage a checkpoint.
#pragma once

namespace pager {

// In the image: prints and never returns. In host tests: aborts.
[[noreturn]] void assertion_failed(const char* what);

inline void check(bool holds, const char* what) {
    if (!holds)
        assertion_failed(what);
}

} // namespace pager

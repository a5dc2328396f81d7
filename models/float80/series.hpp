// Alternating power series on fractions.
#pragma once

#include "models/float80/wide.hpp"

#include <array>
#include <cstddef>

namespace fixpoint::models::float80 {

// u * (c[0] - u * (c[1] - u * (c[2] - ...))), for coefficients that fall fast enough for every bracket to be positive.
template<size_t terms>
[[nodiscard]] constexpr Wide128 alternating_series(Wide128 u,
                                                   const std::array<Wide128, terms>& coefficients) {
    Wide128 sum = coefficients[terms - 1];
    for (size_t i = terms - 1; i-- > 0;)
        sum = coefficients[i] - high_product(u, sum);
    return high_product(u, sum);
}
// The same with plus signs; the sum must stay below 1.
template<size_t terms>
[[nodiscard]] constexpr Wide128 plain_series(Wide128 u, const std::array<Wide128, terms>& coefficients) {
    Wide128 sum = coefficients[terms - 1];
    for (size_t i = terms - 1; i-- > 0;)
        sum = coefficients[i] + high_product(u, sum);
    return high_product(u, sum);
}

inline constexpr Wide128 largest_fraction = ~Wide128{0};

// 1/first!, 1/(first + step)!, ...
template<size_t terms>
[[nodiscard]] constexpr std::array<Wide128, terms> inverse_factorials(unsigned first, unsigned step) {
    std::array<Wide128, terms> coefficients{};
    Wide128 value = largest_fraction;
    unsigned n = 1;
    for (size_t i = 0; i < terms; ++i) {
        for (; n <= first + i * step; ++n)
            value /= n;
        coefficients[i] = value;
    }
    return coefficients;
}
// 1/3, 1/5, 1/7, ...
template<size_t terms>
[[nodiscard]] constexpr std::array<Wide128, terms> inverse_odd_numbers() {
    std::array<Wide128, terms> coefficients{};
    for (size_t i = 0; i < terms; ++i)
        coefficients[i] = largest_fraction / (2 * i + 3);
    return coefficients;
}

} // namespace fixpoint::models::float80

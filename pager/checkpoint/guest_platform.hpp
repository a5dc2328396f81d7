// The platform of the image: system calls and probes.
#pragma once

#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "pager/checkpoint/platform.hpp"
#include "pager/runtime/kernel_info.hpp"

namespace pager {

class GuestPlatform final : public Platform {
public:
    explicit GuestPlatform(const l4::KernelInfo& info) : info_{info} {}

    uint8_t* memory_of(uint32_t frame) override { return reinterpret_cast<uint8_t*>(frame); }

    // An x87 instruction of our own makes the kernel save the owner's registers.
    void save_floating_point() override {
        if (has_floating_point_)
            asm volatile("fnop");
    }

    void revoke_write(uint32_t frame) override { (void)l4::fpage_unmap(page(frame), 0); }
    uint32_t take_status(uint32_t frame) override {
        return l4::fpage_unmap(page(frame), l4::unmap_take_status | l4::unmap_nothing);
    }
    uint32_t unmap(uint32_t frame) override {
        return l4::fpage_unmap(page(frame), l4::unmap_take_status | l4::unmap_fully);
    }

    uint64_t clock_us() override { return kernel_clock_us(info_); }

    void pause() override { l4::sleep_us(1000); }

    void stop_begins(uint32_t epoch) override { l4::probe<l4::Probe::stop_begin>(epoch); }
    void snapshot(uint32_t epoch) override { l4::probe<l4::Probe::snapshot>(epoch); }
    void snapshot_tables(uint32_t epoch) override { l4::probe<l4::Probe::snapshot_tables>(epoch); }
    void stop_ends(uint32_t epoch, uint32_t frozen, uint32_t tcb_pages) override {
        l4::probe<l4::Probe::stop_end>(epoch, frozen, tcb_pages);
    }
    void committed(uint32_t epoch) override { l4::probe<l4::Probe::committed>(epoch); }
    void page_placed(store::PageKey key, uint32_t frame, l4::PageSource source) override {
        l4::probe<l4::Probe::page_placed>(store::key_task(key), store::key_address(key), frame,
                                          static_cast<uint32_t>(source));
    }
    void page_evicted(store::PageKey key) override {
        l4::probe<l4::Probe::page_evicted>(store::key_task(key), store::key_address(key));
    }
    void page_released(store::PageKey key) override {
        l4::probe<l4::Probe::page_released>(store::key_task(key), store::key_address(key));
    }
    void page_copied(store::PageKey key) override {
        l4::probe<l4::Probe::page_copied>(store::key_task(key), store::key_address(key));
    }
    void phase(l4::Phase phase) override { l4::probe<l4::Probe::phase>(static_cast<uint32_t>(phase)); }

private:
    static l4::Fpage page(uint32_t frame) { return l4::Fpage::make(frame, l4::page_bits); }
    static bool has_floating_point() {
        uint32_t eax = 1, ebx, ecx, edx;
        asm("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
        return edx & 1;
    }

    const l4::KernelInfo& info_;
    const bool has_floating_point_ = has_floating_point();
};

} // namespace pager

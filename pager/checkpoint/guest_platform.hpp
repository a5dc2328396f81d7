// The platform of the image: system calls and probes.
#pragma once

#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "kernel-model/abi/system_layout.hpp"
#include "pager/checkpoint/assertion.hpp"
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

    void revoke_write(uint32_t first_frame, uint32_t count) override {
        for (uint32_t done = 0; done < count;) {
            const uint32_t frame = first_frame + done * l4::page_size;
            // The largest fpage that begins here.
            auto log2_frames = static_cast<uint32_t>(31 - __builtin_clz(count - done));
            const auto alignment = static_cast<uint32_t>(__builtin_ctz(frame / l4::page_size));
            if (alignment < log2_frames)
                log2_frames = alignment;
            (void)l4::fpage_unmap(l4::Fpage::make(frame, l4::page_bits + log2_frames), 0);
            done += 1u << log2_frames;
        }
    }
    uint32_t take_status(uint32_t frame) override {
        return l4::fpage_unmap(page(frame), l4::unmap_take_status | l4::unmap_nothing);
    }
    uint32_t unmap(uint32_t frame) override {
        return l4::fpage_unmap(page(frame), l4::unmap_take_status | l4::unmap_fully);
    }
    uint32_t take_written(uint32_t first_frame, uint32_t log2_frames) override {
        return l4::fpage_unmap(l4::Fpage::make(first_frame, l4::page_bits + log2_frames),
                               l4::unmap_take_status | l4::unmap_status_by_page | l4::unmap_nothing);
    }
    uint32_t take_written_tcbs(uint32_t tcb_address) override {
        const l4::WrittenTcbs written = l4::take_written_tcbs(tcb_address);
        check(written.result == l4::RecoveryResult::ok,
              "stop: the kernel does not tell which TCB pages were written");
        return written.pages;
    }
    // What a TCB does not use is zero in all of them.
    void copy_tcbs(uint32_t to_frame, uint32_t from_frame) override {
        for (uint32_t tcb = 0; tcb < l4::page_size; tcb += l4::tcb_size)
            __builtin_memcpy(memory_of(to_frame + tcb), memory_of(from_frame + tcb), info_.tcb_used_bytes);
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
        separate(frame);
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
    // The server's memory comes in superpages. The first call that treats a page of one differently makes the kernel split it,
    // which takes as long as a hundred revocations: here, not in a stop.
    void separate(uint32_t frame) {
        const uint32_t superpage = frame / l4::superpage_size;
        uint32_t& word = separated_[superpage / 32];
        if ((word >> superpage % 32 & 1) == 0)
            (void)take_status(frame);
        word |= 1u << superpage % 32;
    }
    static bool has_floating_point() {
        uint32_t eax = 1, ebx, ecx, edx;
        asm("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
        return edx & 1;
    }

    const l4::KernelInfo& info_;
    const bool has_floating_point_ = has_floating_point();
    uint32_t separated_[(uint64_t{1} << 32) / l4::superpage_size / 32] = {}; // a bit a superpage
};

} // namespace pager

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "space.h"

#include <linux/vfio.h>
#include <unistd.h>

/* A device's registers in an address space: by address, by region, and again after they were revoked. */

static bool can_export(void)
{
        return kernel_is(6, 19);
}

/* Type1 takes registers by address in any piece and at any address; iommufd never
 * (tools/testing/selftests/vfio/vfio_dma_mapping_mmio_test.c). */
static void check_address(struct iommuctl_container *c, const char *what, void *p, size_t size)
{
        struct iommuctl_dma *dma = NULL;

        if (backend == IOMMUCTL_BACKEND_TYPE1) {
                GIVES(what, 0, "", iommuctl_dma_map(c, p, size, NULL, &dma));
                CHECK("the kernel has it", kernel_has(c, iommuctl_dma_span(dma).iova));
                GIVES("and lets it go", 0, "", iommuctl_dma_unmap(dma));
        } else {
                GIVES(what, -EFAULT, "map their region", iommuctl_dma_map(c, p, size, NULL, &dma));
        }
}

static void check_by_address(struct iommuctl_container *c, struct iommuctl_device *d,
                             struct iommuctl_region *region, char *bar)
{
        const size_t size = (size_t)iommuctl_region_size(region);
        char *room, *at;

        check_address(c, "a whole BAR by its address", bar, size);
        check_address(c, "a part of it", bar + 3 * PAGE, PAGE);
        room = mmap(NULL, size + (4 << 20), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        at = (char *)(((uintptr_t)room + (2 << 20)) & ~(uintptr_t)((2 << 20) - 1)) + PAGE;
        at = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, iommuctl_device_fd(d),
                  (off_t)iommuctl_region_offset(region));
        if (at == MAP_FAILED)
                exit(1);
        check_address(c, "all of it at an address of no alignment", at, size);
        munmap(room, size + (4 << 20));
}

static void check_by_region(struct iommuctl_container *c, struct iommuctl_region *region)
{
        const uint64_t size = iommuctl_region_size(region);
        struct iommuctl_dma *whole = NULL, *part = NULL;
        uint64_t n = 0;

        GIVES("a whole BAR by its region", 0, "", iommuctl_dma_map_region(c, region, 0, 0, NULL, &whole));
        GIVES("a part of it", 0, "", iommuctl_dma_map_region(c, region, PAGE, 2 * PAGE, NULL, &part));
        CHECK("the kernel has both", kernel_has(c, iommuctl_dma_span(whole).iova) &&
                                             kernel_has(c, iommuctl_dma_span(whole).iova + size - PAGE) &&
                                             kernel_has(c, iommuctl_dma_span(part).iova));
        GIVES("both are renewed", 0, "", iommuctl_dma_renew(whole) ?: iommuctl_dma_renew(part));
        GIVES("all is unmapped", 0, "", iommuctl_container_unmap_all(c, &n));
        CHECK("with its bytes", n == size + 2 * PAGE);
        GIVES("freed", 0, "", iommuctl_dma_unmap(whole) ?: iommuctl_dma_unmap(part));
}

/* While the device does not decode, there is nothing behind the address, and the kernel sees that. */
static void check_not_decoding(struct iommuctl_container *c, struct iommuctl_device *d,
                               struct iommuctl_region *region)
{
        struct iommuctl_dma *dma = NULL;

        set_decoding(d, false);
        GIVES("registers that are not decoded", -ENODEV, "does not decode",
              iommuctl_dma_map_region(c, region, 0, 0, NULL, &dma));
        set_decoding(d, true);
        GIVES("and again when they are", 0, "", iommuctl_dma_map_region(c, region, 0, 0, NULL, &dma));
        iommuctl_dma_unmap(dma);
}

static void check_revocation(struct iommuctl_container *c, struct iommuctl_device *d,
                             struct iommuctl_region *region)
{
        struct iommuctl_dma *dma = NULL, *other = NULL;
        uint64_t iova;
        int fd = -1, r;

        GIVES("a dma-buf", 0, "", iommuctl_region_dmabuf(region, 0, 4 * PAGE, &fd));
        GIVES("is mapped", 0, "", iommuctl_dma_map_dmabuf(c, fd, PAGE, 2 * PAGE, NULL, &dma));
        GIVES("more than there is of it is not", -EINVAL, "not all inside it",
              iommuctl_dma_map_dmabuf(c, fd, PAGE, 4 * PAGE, NULL, &other));
        iova = iommuctl_dma_span(dma).iova;
        set_decoding(d, false);
        GIVES("while the device does not decode", -ENODEV, "revoked", iommuctl_dma_renew(dma));
        CHECK("it is not mapped", !iommuctl_dma_is_mapped(dma) && !kernel_has(c, iova));
        GIVES("nor can it be mapped", -ENODEV, "revoked",
              iommuctl_dma_map_dmabuf(c, fd, 0, PAGE, NULL, &other));
        set_decoding(d, true);
        GIVES("when it does, it is renewed", 0, "", iommuctl_dma_renew(dma));
        CHECK("and is there",
              iommuctl_dma_is_mapped(dma) && kernel_has(c, iova) && iommuctl_dma_span(dma).iova == iova);
        r = iommuctl_power_enter(d);
        if (r >= 0) {
                GIVES("while the device sleeps", -ENODEV, "revoked", iommuctl_dma_renew(dma));
                GIVES("it wakes", 0, "", iommuctl_power_leave(d));
                GIVES("and it is renewed", 0, "", iommuctl_dma_renew(dma));
        } else {
                printf("#   the device has no low power: %d\n", r);
        }
        close(fd);
        GIVES("without its descriptor", 0, "", iommuctl_dma_renew(dma));
        GIVES("it goes", 0, "", iommuctl_dma_unmap(dma));
}

void test_registers(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);
        struct iommuctl_region *region;
        struct iommuctl_dma *dma = NULL;
        char *bar;
        int fd = -1;

        region = edu_bar(d, &bar);
        check_by_address(c, d, region, bar);
        if (backend == IOMMUCTL_BACKEND_TYPE1 || can_export()) {
                check_by_region(c, region);
                check_not_decoding(c, d, region);
        } else {
                GIVES("a BAR by its region", -EOPNOTSUPP, "6.19",
                      iommuctl_dma_map_region(c, region, 0, 0, NULL, &dma));
        }
        if (!can_export())
                GIVES("a dma-buf of a BAR", -EOPNOTSUPP, "6.19",
                      iommuctl_region_dmabuf(region, 0, PAGE, &fd));
        else if (backend == IOMMUCTL_BACKEND_IOMMUFD)
                check_revocation(c, d, region);
        iommuctl_region_free(region);
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}

/* What the edu device reads at IOVA; what a read that faults leaves in its buffer is its own affair. */
static uint32_t read_by_dma(char *bar, struct iommuctl_span s, uint64_t iova)
{
        volatile uint32_t *word = s.vaddr;

        *word = 0xdeadbeef;
        if (!edu_does(bar, s.iova, sizeof(*word), false) || !edu_does(bar, iova, sizeof(*word), false) ||
            !edu_does(bar, s.iova, sizeof(*word), true))
                result(false, "edu is done");
        return *word;
}

/* Where the network card keeps its first address (RAL0 of Intel's 82574); a reset loads it anew. */
enum { NIC_RAL0 = 0x5400 };

/* A reset takes a device's registers away from its peers, on iommufd; type1 leaves them. */
void test_reset_revokes(void)
{
        const struct iommuctl_dma_options o = { .struct_size = sizeof(o), .iova_limit = 0xfffffff };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *edu = open_device(c), *nic = NULL;
        struct iommuctl_region *region, *registers = NULL;
        struct iommuctl_dma *dma = NULL, *peer = NULL;
        uint32_t is = 0;
        uint64_t at;
        char *bar;

        region = edu_bar(edu, &bar);
        iommuctl_dma_alloc(c, PAGE, &o, &dma);
        GIVES("the network card opens", 0, "", iommuctl_device_open(c, other_name, &nic));
        GIVES("and its registers", 0, "", iommuctl_region_open(nic, VFIO_PCI_BAR0_REGION_INDEX, &registers));
        GIVES("which are mapped for its peers", 0, "",
              iommuctl_dma_map_region(c, registers, 0, 0, &o, &peer));
        at = iommuctl_dma_span(peer).iova + NIC_RAL0;
        iommuctl_region_read(registers, NIC_RAL0, &is, sizeof(is));
        CHECK("a peer reads its address", read_by_dma(bar, iommuctl_dma_span(dma), at) == is);
        printf("#   0x%08x\n", is);
        GIVES("it is reset", 0, "", iommuctl_device_reset(nic));
        CHECK(backend == IOMMUCTL_BACKEND_TYPE1 ? "and is still there" : "and nothing is there any more",
              (read_by_dma(bar, iommuctl_dma_span(dma), at) == is) == (backend == IOMMUCTL_BACKEND_TYPE1));
        GIVES("it is renewed", 0, "", iommuctl_dma_renew(peer));
        CHECK("and is read again", read_by_dma(bar, iommuctl_dma_span(dma), at) == is);
        iommuctl_region_free(registers);
        iommuctl_device_unref(nic);
        CHECK("also when its user let the card go", read_by_dma(bar, iommuctl_dma_span(dma), at) == is);
        GIVES("it is unmapped", 0, "", iommuctl_dma_unmap(peer));
        CHECK("and nothing is there", read_by_dma(bar, iommuctl_dma_span(dma), at) != is);
        iommuctl_region_free(region);
        iommuctl_device_unref(edu);
        iommuctl_dma_unmap(dma);
        iommuctl_container_unref(c);
}

/* The one device writes a register of the other: edu gives back what is written to 0x04 turned around. */
enum { EDU_LIVE = 0x04 };

static bool write_register(char *bar, uint32_t *word, uint64_t word_iova, uint64_t register_iova,
                           uint32_t value)
{
        *(volatile uint32_t *)word = value;
        return edu_does(bar, word_iova, sizeof(*word), false) &&
               edu_does(bar, register_iova, sizeof(*word), true);
}

void test_peers(void)
{
        const struct iommuctl_dma_options o = { .struct_size = sizeof(o), .iova_limit = 0xfffffff };
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *one = open_device(c), *two = NULL;
        struct iommuctl_region *region, *peer;
        struct iommuctl_dma *dma = NULL, *registers = NULL;
        char *bar, *peer_bar;
        uint64_t iova, at;
        uint32_t *word;

        GIVES("the other device of the group", 0, "", iommuctl_device_open(c, other_name, &two));
        region = edu_bar(one, &bar);
        peer = edu_bar(two, &peer_bar);
        iommuctl_dma_alloc(c, PAGE, &o, &dma);
        word = iommuctl_dma_span(dma).vaddr;
        iova = iommuctl_dma_span(dma).iova;
        if (backend == IOMMUCTL_BACKEND_IOMMUFD && !can_export()) {
                GIVES("its registers", -EOPNOTSUPP, "6.19",
                      iommuctl_dma_map_region(c, peer, 0, 0, &o, &registers));
                goto out;
        }
        GIVES("its registers are mapped", 0, "", iommuctl_dma_map_region(c, peer, 0, 0, &o, &registers));
        at = iommuctl_dma_span(registers).iova + EDU_LIVE;
        iommuctl_mmio_write32(peer_bar + EDU_LIVE, 0);
        CHECK("one device writes", write_register(bar, word, iova, at, 0x12345678));
        CHECK("and the other has it", iommuctl_mmio_read32(peer_bar + EDU_LIVE) == ~0x12345678u);
        set_decoding(two, false);
        set_decoding(two, true);
        if (backend == IOMMUCTL_BACKEND_IOMMUFD) {
                CHECK("after it did not decode for a while, writing",
                      write_register(bar, word, iova, at, 0x11111111));
                CHECK("does not arrive", iommuctl_mmio_read32(peer_bar + EDU_LIVE) == ~0x12345678u);
        }
        GIVES("they are renewed", 0, "", iommuctl_dma_renew(registers));
        CHECK("one device writes", write_register(bar, word, iova, at, 0x22222222));
        CHECK("and the other has it again", iommuctl_mmio_read32(peer_bar + EDU_LIVE) == ~0x22222222u);
        GIVES("they are unmapped", 0, "", iommuctl_dma_unmap(registers));
        write_register(bar, word, iova, at, 0x33333333);
        CHECK("and then nothing arrives", iommuctl_mmio_read32(peer_bar + EDU_LIVE) == ~0x22222222u);
out:
        iommuctl_region_free(region);
        iommuctl_region_free(peer);
        iommuctl_device_unref(one);
        iommuctl_device_unref(two);
        iommuctl_dma_unmap(dma);
        iommuctl_container_unref(c);
}

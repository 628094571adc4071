/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mapped registers of a device that does not answer: the machine in memory raises a real SIGBUS. */
#include "machines.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iommuctl/region_guard.h"

static struct iommuctl_region *open_region(struct bench *b, unsigned int index)
{
        struct iommuctl_region *r = NULL;

        assert_ok(b->ctx, iommuctl_region_open(b->device, index, &r));
        return r;
}

static void set_decoding(struct bench *b, bool on)
{
        struct iommuctl_region *config = open_region(b, VFIO_PCI_CONFIG_REGION_INDEX);
        uint16_t command;

        assert_ok(b->ctx, iommuctl_region_read16(config, PCI_COMMAND, &command));
        command = (uint16_t)(on ? command | PCI_COMMAND_MEMORY : command & ~PCI_COMMAND_MEMORY);
        assert_ok(b->ctx, iommuctl_region_write16(config, PCI_COMMAND, command));
        iommuctl_region_free(config);
}

static struct sigaction current(void)
{
        struct sigaction now;

        assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
        return now;
}

static bool same(struct sigaction a, struct sigaction b)
{
        return a.sa_sigaction == b.sa_sigaction && (a.sa_flags & SA_SIGINFO) == (b.sa_flags & SA_SIGINFO);
}

static void test_all_ones(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *r = open_region(b, VFIO_PCI_BAR0_REGION_INDEX);
        struct iommuctl_region *other = open_region(b, VFIO_PCI_BAR2_REGION_INDEX);
        const struct sigaction before = current();
        char *map = NULL, *later = NULL, *apart = NULL;

        assert_ok(b->ctx, iommuctl_region_map(r, 0, 0, (void **)&map));
        assert_true(same(before, current()));
        assert_ok(b->ctx, iommuctl_region_guard(r));
        assert_ok(b->ctx, iommuctl_region_guard(r));
        assert_ok(b->ctx, iommuctl_region_guard(other)); /* before it is mapped */
        assert_ok(b->ctx, iommuctl_region_map(other, 0x2000, 0, (void **)&apart));
        assert_false(same(before, current()));
        iommuctl_mmio_write32(map + 0x100, 0x01020304);
        assert_int_equal(iommuctl_mmio_read32(map + 0x100), 0x01020304);
        assert_false(iommuctl_region_lost(r));

        set_decoding(b, false);
        errno = 42;
        assert_int_equal(iommuctl_mmio_read32(map + 0x100), UINT32_MAX);
        assert_int_equal(errno, 42);
        assert_true(iommuctl_region_lost(r));
        assert_false(iommuctl_region_lost(other)); /* nobody touched it */
        iommuctl_mmio_write32(map + 0x100, 7);
        assert_int_equal(iommuctl_mmio_read32(map + 0x100), 7); /* in this process alone */
        assert_int_equal(iommuctl_mmio_read64(map + FAKE_BAR0_SIZE - 8), UINT64_MAX);
        iommuctl_mmio_write16(apart + 0x800, 1); /* a write, first */
        assert_true(iommuctl_region_lost(other));

        /* It answers again: what was lost stays lost, a new map is the device. */
        set_decoding(b, true);
        assert_int_equal(iommuctl_mmio_read32(map + 0x100), 7);
        assert_ok(b->ctx, iommuctl_region_map(r, 0x100, 4, (void **)&later));
        assert_int_equal(iommuctl_mmio_read32(later), 0x01020304);
        assert_true(iommuctl_region_lost(r));
        iommuctl_region_free(other);
        assert_false(same(before, current()));
        iommuctl_region_free(r);
        assert_true(same(before, current()));
}

static sigjmp_buf jump;
static volatile sig_atomic_t n_handed;

static void mine(int number, siginfo_t *info, void *context)
{
        (void)number, (void)info, (void)context;
        n_handed++;
        siglongjmp(jump, 1);
}

/* What is not guarded goes to the handler that was there. */
static void test_hands_on(void **state)
{
        struct bench *b = *state;
        struct sigaction action = { .sa_sigaction = mine, .sa_flags = SA_SIGINFO }, before;
        struct iommuctl_region *r, *other;
        char *map, *apart;

        n_handed = 0;
        assert_int_equal(sigaction(SIGBUS, &action, &before), 0);
        r = open_region(b, VFIO_PCI_BAR0_REGION_INDEX);
        other = open_region(b, VFIO_PCI_BAR2_REGION_INDEX);
        assert_ok(b->ctx, iommuctl_region_map(r, 0, 0, (void **)&map));
        assert_ok(b->ctx, iommuctl_region_map(other, 0, 0, (void **)&apart));
        assert_ok(b->ctx, iommuctl_region_guard(r));
        set_decoding(b, false);
        if (sigsetjmp(jump, 1) == 0) {
                iommuctl_mmio_read32(apart);
                fail_msg("the access to what is not guarded went through");
        }
        assert_int_equal(n_handed, 1);
        assert_false(iommuctl_region_lost(other));
        if (sigsetjmp(jump, 1) == 0)
                raise(SIGBUS); /* about no memory at all */
        assert_int_equal(n_handed, 2);
        assert_int_equal(iommuctl_mmio_read32(map), UINT32_MAX);
        assert_int_equal(n_handed, 2);
        iommuctl_region_free(other);
        iommuctl_region_free(r);
        assert_true(same(current(), action));
        assert_int_equal(sigaction(SIGBUS, &before, NULL), 0);
}

static char *touched;

static void touch(void)
{
        iommuctl_mmio_read32(touched);
}

static void raise_it(void)
{
        raise(SIGBUS);
}

/* How a child ends that does this with the signal's default, and a guard over another region. */
static int status_of(void (*what)(void))
{
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
                what();
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status;
}

static void test_default_still_ends(void **state)
{
        struct bench *b = *state;
        struct sigaction action = { .sa_handler = SIG_DFL }, before;
        struct iommuctl_region *r, *other;
        char *map;

        assert_int_equal(sigaction(SIGBUS, &action, &before), 0);
        r = open_region(b, VFIO_PCI_BAR0_REGION_INDEX);
        other = open_region(b, VFIO_PCI_BAR2_REGION_INDEX);
        assert_ok(b->ctx, iommuctl_region_map(r, 0, 0, (void **)&map));
        assert_ok(b->ctx, iommuctl_region_map(other, 0, 0, (void **)&touched));
        assert_ok(b->ctx, iommuctl_region_guard(r));
        set_decoding(b, false);
        assert_true(WIFSIGNALED(status_of(touch)));
        assert_int_equal(WTERMSIG(status_of(touch)), SIGBUS);
        assert_int_equal(WTERMSIG(status_of(raise_it)), SIGBUS);
        touched = map; /* a child has the guard, too */
        assert_int_equal(status_of(touch), 0);
        iommuctl_region_free(other);
        iommuctl_region_free(r);
        assert_int_equal(sigaction(SIGBUS, &before, NULL), 0);
}

static void *read_in_thread(void *map)
{
        return (void *)(uintptr_t)iommuctl_mmio_read32(map);
}

/* Many regions, more than one block of places; threads that touch one at once. */
static void test_many(void **state)
{
        struct bench *b = *state;
        struct iommuctl_region *regions[70];
        pthread_t threads[8];
        char *maps[70];

        for (size_t round = 0; round < 2; round++) {
                for (size_t i = 0; i < ARRAY_SIZE(regions); i++) {
                        regions[i] = open_region(b, VFIO_PCI_BAR0_REGION_INDEX);
                        assert_ok(b->ctx, iommuctl_region_guard(regions[i]));
                        assert_ok(b->ctx, iommuctl_region_map(regions[i], 0, 0, (void **)&maps[i]));
                }
                set_decoding(b, false);
                for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
                        assert_int_equal(pthread_create(&threads[i], NULL, read_in_thread, maps[69] + 4 * i),
                                         0);
                for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
                        void *value;

                        pthread_join(threads[i], &value);
                        assert_true((uintptr_t)value == UINT32_MAX);
                }
                assert_true(iommuctl_region_lost(regions[69]));
                assert_false(iommuctl_region_lost(regions[68]));
                set_decoding(b, true);
                for (size_t i = 0; i < ARRAY_SIZE(regions); i++)
                        iommuctl_region_free(regions[i]);
        }
}

/* A BAR larger than what is replaced at a time: the rest is untouched. */
static void test_large(void **state)
{
        struct bench *b = *state;
        struct iommuctl_device *card;
        struct iommuctl_region *r = NULL;
        char *map;

        fake_add_pci(b->m, "0000:06:00.0",
                     &(struct fake_pci){ .driver = "vfio-pci", .group = 16, .bar3_size = 8 << 20 });
        assert_ok(b->ctx, iommuctl_device_open(b->container, "0000:06:00.0", &card));
        iommuctl_device_unref(b->device);
        b->device = card;
        r = open_region(b, VFIO_PCI_BAR3_REGION_INDEX);
        assert_ok(b->ctx, iommuctl_region_map(r, 0x1000, 0, (void **)&map));
        assert_ok(b->ctx, iommuctl_region_guard(r));
        map[0] = 1;
        set_decoding(b, false);
        assert_int_equal((uint8_t)map[(5 << 20) + 3], 0xff);
        set_decoding(b, true);
        assert_int_equal((uint8_t)map[(5 << 20) - 1], 0xff); /* beside it: lost with it */
        map[0] = 2;                                          /* far from it: the device again */
        set_decoding(b, false);
        assert_int_equal((uint8_t)map[(8 << 20) - 0x1001], 0xff);
        iommuctl_region_free(r);
}

static struct fake *machine(void)
{
        return machine_vfio(NULL);
}

static int use(struct iommuctl_device *device)
{
        struct iommuctl_region *r = NULL;
        char *map;
        int result;

        result = iommuctl_region_open(device, VFIO_PCI_BAR0_REGION_INDEX, &r);
        if (result >= 0)
                result = iommuctl_region_map(r, 0, 0, (void **)&map);
        if (result >= 0)
                result = iommuctl_region_guard(r);
        if (result >= 0)
                result = iommuctl_region_map(r, 0x1000, 0x1000, (void **)&map);
        iommuctl_region_free(r);
        return result;
}

static int run(struct iommuctl_ctx *ctx, struct fake *m)
{
        struct iommuctl_device *device = NULL;
        struct iommuctl_container *c = NULL;
        int r;

        (void)m;
        r = iommuctl_container_new(ctx, IOMMUCTL_BACKEND_AUTO, &c);
        if (r >= 0)
                r = iommuctl_device_open(c, NIC, &device);
        if (r >= 0)
                r = use(device);
        iommuctl_device_unref(device);
        iommuctl_container_unref(c);
        return r;
}

static const struct scenario scenario = {
        .name = "a guard", .machine = machine, .run = run, .lasting = true
};

static void test_failing(void **state)
{
        (void)state;
        each_call_failing(&scenario);
        each_call_killed(&scenario, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_all_ones), BOTH(test_hands_on), BOTH(test_default_still_ends),
                BOTH(test_many),     BOTH(test_large),    cmocka_unit_test(test_failing),
        };

        return run_tap_tests("region guard", tests);
}

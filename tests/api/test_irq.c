/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interrupts of an open device. */
#include "machines.h"

#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "iommuctl/irq.h"

#define MSIX    IOMMUCTL_IRQ_MSIX
#define DYNAMIC "0000:06:00.0"

static void test_irq_wait(void **state)
{
        struct bench *b = *state;
        struct iommuctl_irq *irq;
        struct pollfd p;
        uint64_t n = 0;

        assert_int_equal(iommuctl_irq_vectors(b->device, IOMMUCTL_IRQ_MSIX), 8);
        assert_ok(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSIX, 2, 3, &irq));
        assert_int_equal(iommuctl_irq_count(irq), 3);
        assert_int_equal(fake_irq_enabled(b->m, NIC, VFIO_PCI_MSIX_IRQ_INDEX), 5);
        assert_int_equal(iommuctl_irq_wait(irq, 0, 0, &n), -ETIMEDOUT);
        assert_int_equal(fake_raise(b->m, NIC, VFIO_PCI_MSIX_IRQ_INDEX, 0), 0);
        assert_int_equal(fake_raise(b->m, NIC, VFIO_PCI_MSIX_IRQ_INDEX, 3), 1);
        assert_int_equal(fake_raise(b->m, NIC, VFIO_PCI_MSIX_IRQ_INDEX, 3), 1);
        assert_int_equal(iommuctl_irq_wait(irq, 0, 100, &n), -ETIMEDOUT);
        p = (struct pollfd){ .fd = iommuctl_irq_fd(irq, 1), .events = POLLIN };
        assert_int_equal(poll(&p, 1, 0), 1);
        assert_ok(b->ctx, iommuctl_irq_wait(irq, 1, -1, &n));
        assert_int_equal(n, 2);
        assert_int_equal(iommuctl_irq_wait(irq, 1, 0, &n), -ETIMEDOUT);
        assert_ok(b->ctx, iommuctl_irq_trigger(irq, 2));
        assert_ok(b->ctx, iommuctl_irq_wait(irq, 2, 0, &n));
        assert_int_equal(n, 1);
        assert_int_equal(iommuctl_irq_wait(irq, 3, 0, &n), -EINVAL);
        assert_int_equal(iommuctl_irq_fd(irq, 3), -1);
        assert_int_equal(iommuctl_irq_trigger(irq, 3), -EINVAL);
        assert_int_equal(iommuctl_irq_mask(irq, 0), -EOPNOTSUPP);
        iommuctl_irq_free(irq);
        iommuctl_irq_free(NULL);
        assert_int_equal(fake_irq_enabled(b->m, NIC, VFIO_PCI_MSIX_IRQ_INDEX), 0);
}

static void raise_later(struct fake *m, void *userdata)
{
        (void)userdata;
        fake_raise(m, NIC, VFIO_PCI_INTX_IRQ_INDEX, 0);
}

static void test_intx(void **state)
{
        struct bench *b = *state;
        struct iommuctl_irq *irq;
        uint64_t n;

        assert_ok(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_INTX, 0, 1, &irq));
        fake_at(b->m, 5000000, raise_later, NULL);
        assert_ok(b->ctx, iommuctl_irq_wait(irq, 0, 50, &n));
        assert_int_equal(n, 1);
        assert_int_equal(fake_raise(b->m, NIC, VFIO_PCI_INTX_IRQ_INDEX, 0), 0); /* masked by the first */
        assert_ok(b->ctx, iommuctl_irq_unmask(irq, 0));
        assert_int_equal(fake_raise(b->m, NIC, VFIO_PCI_INTX_IRQ_INDEX, 0), 1);
        assert_ok(b->ctx, iommuctl_irq_unmask(irq, 0));
        assert_ok(b->ctx, iommuctl_irq_mask(irq, 0));
        assert_int_equal(fake_raise(b->m, NIC, VFIO_PCI_INTX_IRQ_INDEX, 0), 0);
        assert_int_equal(iommuctl_irq_mask(irq, 1), -EINVAL);
        iommuctl_irq_free(irq);
}

static void test_irq_refusals(void **state)
{
        struct bench *b = *state;
        struct iommuctl_irq *irq = NULL, *msi;

        assert_fails(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSIX, 0, 0, &irq), -EINVAL, NIC);
        assert_fails(b->ctx, iommuctl_irq_new(b->device, 40, 0, 1, &irq), -EINVAL, NIC);
        assert_fails(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSIX, 4, 5, &irq), -ERANGE, "8");
        assert_fails(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSIX, UINT32_MAX, 2, &irq), -ERANGE,
                     "8");
        assert_int_equal(iommuctl_irq_vectors(b->device, 40), -EINVAL);
        assert_ok(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSI, 0, 2, &msi));
        assert_fails(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSIX, 0, 1, &irq), -EBUSY, NIC);
        assert_fails(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_INTX, 0, 1, &irq), -EBUSY, NIC);
        assert_fails(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSI, 1, 1, &irq), -EEXIST, NIC);
        assert_fails(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSI, 2, 1, &irq), -EOPNOTSUPP, NIC);
        assert_null(irq);
        assert_ok(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_ERR, 0, 1, &irq));
        iommuctl_irq_free(irq);
        assert_ok(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_REQUEST, 0, 1, &irq));
        iommuctl_irq_free(msi);
        iommuctl_irq_free(irq);
        irq = NULL;
        assert_ok(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSIX, 0, 1, &irq));
        iommuctl_irq_free(irq);
}

static void test_host_out_of_vectors(void **state)
{
        struct iommuctl_irq *irq = NULL;
        struct bench *b = *state;

        bench_restart(b, &(struct fake_options){ .host_vectors = 3 });
        assert_fails(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSIX, 0, 8, &irq), -ENOSPC, "3");
        assert_null(irq);
        assert_ok(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSIX, 0, 3, &irq));
        iommuctl_irq_free(irq);
}

/* A device whose vectors can be added and the same one with a kernel that cannot. */
static struct iommuctl_device *open_dynamic(struct bench *b, bool dynamic)
{
        struct iommuctl_device *device = NULL;

        fake_add_pci(
                b->m, DYNAMIC,
                &(struct fake_pci){ .driver = "vfio-pci", .group = 16, .msix = 32, .dynamic_msix = dynamic });
        assert_ok(b->ctx, iommuctl_device_open(b->container, DYNAMIC, &device));
        return device;
}

static bool fires(struct bench *b, struct iommuctl_irq *irq, unsigned int vector, unsigned int i)
{
        return fake_raise(b->m, DYNAMIC, VFIO_PCI_MSIX_IRQ_INDEX, vector) == 1 &&
               iommuctl_irq_wait(irq, i, 0, NULL) == 0;
}

/* Vectors one by one, from anywhere, in the middle, freed and taken again: each costs the host one. */
static void test_vectors_added(void **state)
{
        struct iommuctl_irq *far = NULL, *low = NULL, *mid = NULL;
        struct bench *b = *state;
        struct iommuctl_device *d = open_dynamic(b, true);

        assert_int_equal(iommuctl_irq_can_add(d, MSIX), 1);
        assert_int_equal(iommuctl_irq_can_add(d, IOMMUCTL_IRQ_MSI), 0);
        assert_int_equal(iommuctl_irq_can_add(d, 40), -EINVAL);
        assert_ok(b->ctx, iommuctl_irq_new(d, MSIX, 30, 1, &far));
        assert_int_equal(fake_irq_held(b->m, DYNAMIC, MSIX), 2); /* vector 0, which turns the kind on */
        assert_ok(b->ctx, iommuctl_irq_new(d, MSIX, 0, 2, &low));
        assert_int_equal(fake_irq_held(b->m, DYNAMIC, MSIX), 3);
        assert_ok(b->ctx, iommuctl_irq_new(d, MSIX, 10, 3, &mid));
        assert_int_equal(fake_irq_held(b->m, DYNAMIC, MSIX), 6);
        assert_true(fires(b, far, 30, 0));
        assert_true(fires(b, low, 1, 1));
        assert_true(fires(b, mid, 12, 2));

        iommuctl_irq_free(mid);
        assert_int_equal(fake_raise(b->m, DYNAMIC, MSIX, 11), 0);
        assert_true(fires(b, far, 30, 0));
        assert_ok(b->ctx, iommuctl_irq_new(d, MSIX, 11, 1, &mid));
        assert_true(fires(b, mid, 11, 0));
        iommuctl_irq_free(far);
        iommuctl_irq_free(low);
        assert_true(fires(b, mid, 11, 0));
        iommuctl_irq_free(mid);
        assert_int_equal(fake_irq_enabled(b->m, DYNAMIC, MSIX), 0);
        iommuctl_device_unref(d);
}

/* Before 6.5: what the first run took is what there is, until all are freed. */
static void test_vectors_within(void **state)
{
        struct iommuctl_irq *high = NULL, *low = NULL, *none = NULL;
        struct bench *b = *state;
        struct iommuctl_device *d = open_dynamic(b, false);

        assert_int_equal(iommuctl_irq_can_add(d, MSIX), 0);
        assert_ok(b->ctx, iommuctl_irq_new(d, MSIX, 6, 2, &high));
        assert_int_equal(fake_irq_held(b->m, DYNAMIC, MSIX), 8);
        assert_ok(b->ctx, iommuctl_irq_new(d, MSIX, 0, 3, &low));
        assert_true(fires(b, low, 2, 2));
        assert_fails(b->ctx, iommuctl_irq_new(d, MSIX, 7, 2, &none), -EEXIST, "6 to 7");
        assert_fails(b->ctx, iommuctl_irq_new(d, MSIX, 8, 1, &none), -EOPNOTSUPP, "there are 8");
        /* What was freed can be had again, also once the run that was the first has gone. */
        iommuctl_irq_free(high);
        assert_ok(b->ctx, iommuctl_irq_new(d, MSIX, 7, 1, &high));
        assert_true(fires(b, high, 7, 0));
        assert_fails(b->ctx, iommuctl_irq_new(d, MSIX, 8, 1, &none), -EOPNOTSUPP, "there are 8");
        iommuctl_irq_free(low);
        iommuctl_irq_free(high);
        assert_ok(b->ctx, iommuctl_irq_new(d, MSIX, 8, 1, &high));
        assert_null(none);
        iommuctl_irq_free(high);
        iommuctl_device_unref(d);
}

/* A run that cannot be had leaves the others at work, and the kind off where it would have been the first. */
static void test_vectors_refused(void **state)
{
        struct iommuctl_irq *one = NULL, *none = NULL;
        struct bench *b = *state;
        struct iommuctl_device *d;

        bench_restart(b, &(struct fake_options){ .host_vectors = 3 });
        d = open_dynamic(b, true);
        assert_fails(b->ctx, iommuctl_irq_new(d, MSIX, 20, 3, &none), -ENOSPC, "20 to 22");
        assert_int_equal(fake_irq_enabled(b->m, DYNAMIC, MSIX), 0);
        assert_ok(b->ctx, iommuctl_irq_new(d, MSIX, 20, 2, &one));
        assert_fails(b->ctx, iommuctl_irq_new(d, MSIX, 5, 1, &none), -ENOSPC, "no vectors left");
        assert_true(fires(b, one, 21, 1));
        assert_null(none);
        iommuctl_irq_free(one);
        iommuctl_device_unref(d);
}

/* Freeing allocates nothing: with each allocation failing, what was freed is off. */
static void test_free_without_memory(void **state)
{
        struct iommuctl_irq *one = NULL, *two = NULL;
        struct bench *b = *state;
        struct iommuctl_device *d = open_dynamic(b, true);

        assert_ok(b->ctx, iommuctl_irq_new(d, MSIX, 0, 2, &one));
        assert_ok(b->ctx, iommuctl_irq_new(d, MSIX, 2, 20, &two));
        malloc_fail_at(1);
        iommuctl_irq_free(two);
        assert_int_equal(fake_raise(b->m, DYNAMIC, MSIX, 20), 0);
        assert_true(fires(b, one, 1, 1));
        iommuctl_irq_free(one);
        assert_false(malloc_fail_hit());
        malloc_fail_at(0);
        assert_int_equal(fake_irq_enabled(b->m, DYNAMIC, MSIX), 0);
        iommuctl_device_unref(d);
}

static bool readable(int fd)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        uint64_t n;

        return poll(&p, 1, 0) == 1 && read(fd, &n, sizeof(n)) == sizeof(n);
}

static void test_set_eventfd(void **state)
{
        struct iommuctl_irq *irq = NULL;
        struct bench *b = *state;
        int mine = eventfd(0, EFD_NONBLOCK), fd, closed;

        assert_true(mine >= 0);
        fd = b->k->ops->eventfd(b->k, 0, EFD_NONBLOCK);
        assert_ok(b->ctx, iommuctl_irq_new(b->device, MSIX, 0, 3, &irq));
        assert_ok(b->ctx, iommuctl_irq_set_eventfd(irq, 1, fd));
        assert_int_equal(fake_raise(b->m, NIC, MSIX, 1), 1);
        assert_true(readable(fd));
        assert_int_equal(iommuctl_irq_wait(irq, 1, 0, NULL), -ETIMEDOUT);
        assert_ok(b->ctx, iommuctl_irq_set_eventfd(irq, 1, IOMMUCTL_IRQ_NO_EVENTFD));
        assert_int_equal(fake_raise(b->m, NIC, MSIX, 1), 0);
        assert_false(readable(fd));
        assert_ok(b->ctx, iommuctl_irq_set_eventfd(irq, 1, IOMMUCTL_IRQ_OWN_EVENTFD));
        assert_int_equal(fake_raise(b->m, NIC, MSIX, 1), 1);
        assert_ok(b->ctx, iommuctl_irq_wait(irq, 1, 0, NULL));

        /* What is refused leaves it on its own. */
        assert_fails(b->ctx, iommuctl_irq_set_eventfd(irq, 3, fd), -EINVAL, "no number 3");
        assert_fails(b->ctx, iommuctl_irq_set_eventfd(irq, 1, -3), -EBADF, NIC);
        assert_ok(b->ctx, iommuctl_irq_set_eventfd(irq, 1, fd));
        closed = b->k->ops->dup(b->k, fd);
        b->k->ops->close(b->k, closed);
        assert_fails(b->ctx, iommuctl_irq_set_eventfd(irq, 1, closed), -EBADF, NIC);
        assert_int_equal(fake_raise(b->m, NIC, MSIX, 1), 1);
        assert_ok(b->ctx, iommuctl_irq_wait(irq, 1, 0, NULL));
        assert_fails(b->ctx, iommuctl_irq_set_eventfd(irq, 1, iommuctl_device_fd(b->device)), -EINVAL, NIC);
        iommuctl_irq_free(irq);
        b->k->ops->close(b->k, fd);
        close(mine);
}

static void write_one(int fd)
{
        uint64_t one = 1;

        assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static void test_resample(void **state)
{
        struct iommuctl_irq *irq = NULL, *msi = NULL;
        struct bench *b = *state;
        int fd = b->k->ops->eventfd(b->k, 0, 0), other = b->k->ops->eventfd(b->k, 0, 0);

        assert_ok(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_INTX, 0, 1, &irq));
        assert_int_equal(fake_raise(b->m, NIC, VFIO_PCI_INTX_IRQ_INDEX, 0), 1);
        assert_ok(b->ctx, iommuctl_irq_set_resample(irq, fd));
        assert_fails(b->ctx, iommuctl_irq_set_resample(irq, other), -EBUSY, "already");
        assert_int_equal(fake_raise(b->m, NIC, VFIO_PCI_INTX_IRQ_INDEX, 0), 0); /* masked */
        write_one(fd);
        fake_settle(b->m);
        assert_int_equal(fake_raise(b->m, NIC, VFIO_PCI_INTX_IRQ_INDEX, 0), 1);
        assert_ok(b->ctx, iommuctl_irq_set_resample(irq, -1));
        assert_ok(b->ctx, iommuctl_irq_set_resample(irq, -1));
        write_one(fd);
        fake_settle(b->m);
        assert_int_equal(fake_raise(b->m, NIC, VFIO_PCI_INTX_IRQ_INDEX, 0), 0);
        assert_ok(b->ctx, iommuctl_irq_set_resample(irq, other));
        assert_ok(b->ctx, iommuctl_irq_set_resample(irq, -1));
        assert_fails(b->ctx, iommuctl_irq_set_resample(irq, 900), -EBADF, NIC);
        iommuctl_irq_free(irq); /* and with it what unmasks */
        assert_ok(b->ctx, iommuctl_irq_new(b->device, IOMMUCTL_IRQ_MSI, 0, 1, &msi));
        assert_fails(b->ctx, iommuctl_irq_set_resample(msi, fd), -EOPNOTSUPP, "INTx");
        iommuctl_irq_free(msi);
        b->k->ops->close(b->k, fd);
        b->k->ops->close(b->k, other);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BOTH(test_irq_wait),        BOTH(test_intx),
                BOTH(test_irq_refusals),    BOTH(test_host_out_of_vectors),
                BOTH(test_vectors_added),   BOTH(test_vectors_within),
                BOTH(test_vectors_refused), BOTH(test_free_without_memory),
                BOTH(test_set_eventfd),     BOTH(test_resample),
        };

        return run_tap_tests("irq", tests);
}

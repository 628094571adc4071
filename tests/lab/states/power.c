/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "states.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Its reset value, and it is always there (QEMU's e1000e): VLAN Ether Type. */
#define VET       0x38
#define VET_RESET 0x8100u

/* The kernel puts a device to sleep in its own time; waits for that, up to 5 s. */
static bool becomes(struct iommuctl_device *d, enum iommuctl_power_state state)
{
        for (int i = 0; i < 500; i++) {
                if (iommuctl_power_state(d) == (int)state)
                        return true;
                usleep(10000);
        }
        printf("# it is %s\n", iommuctl_power_state_name((enum iommuctl_power_state)iommuctl_power_state(d)));
        return false;
}

static bool stays(struct iommuctl_device *d, enum iommuctl_power_state state)
{
        for (int i = 0; i < 30; i++) {
                if (iommuctl_power_state(d) != (int)state)
                        return false;
                usleep(10000);
        }
        return true;
}

/* The signal that a child dies of as it reads there, or 0. */
static int signal_of_read(const void *at)
{
        int status = 0;
        pid_t pid;

        fflush(stdout);
        pid = fork();
        if (pid == 0) {
                iommuctl_mmio_read32(at);
                _exit(0);
        }
        waitpid(pid, &status, 0);
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* As an administrator would: "on", and back to what it was. */
static void wake_by_sysfs(void)
{
        static const char *const words[] = { "on", "auto" };
        char path[128];

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/power/control", device_name);
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                int fd = open(path, O_WRONLY | O_CLOEXEC);

                if (fd < 0 || write(fd, words[i], strlen(words[i])) < 0)
                        printf("# power/control cannot be written\n");
                close(fd);
        }
}

static void check_sleep(struct iommuctl_device *d)
{
        struct iommuctl_region *bar = NULL;
        void *map = NULL;
        uint32_t vet = 0;

        GIVES("a BAR opens", 0, "", iommuctl_region_open(d, VFIO_PCI_BAR0_REGION_INDEX, &bar));
        GIVES("and maps", 0, "", iommuctl_region_map(bar, 0, 0, &map));
        if (!map)
                exit(1);
        CHECK("the map reads", iommuctl_mmio_read32((char *)map + VET) == VET_RESET);
        CHECK("it is on", iommuctl_power_state(d) == IOMMUCTL_POWER_D0);
        GIVES("it may sleep", 0, "", iommuctl_power_enter(d));
        CHECK("and does, in D3hot", becomes(d, IOMMUCTL_POWER_D3HOT));
        CHECK("looking does not wake it", stays(d, IOMMUCTL_POWER_D3HOT));
        GIVES("not twice", -EALREADY, "already", iommuctl_power_enter(d));
        GIVES("a read by the kernel wakes it", 0, "", iommuctl_region_read(bar, VET, &vet, sizeof(vet)));
        CHECK("and is right", vet == VET_RESET);
        CHECK("it sleeps again behind that", becomes(d, IOMMUCTL_POWER_D3HOT));
        CHECK("the map is out of reach", signal_of_read((char *)map + VET) == SIGBUS);
        CHECK("which does not wake it", becomes(d, IOMMUCTL_POWER_D3HOT));
        GIVES("it is woken", 0, "", iommuctl_power_leave(d));
        CHECK("and on", iommuctl_power_state(d) == IOMMUCTL_POWER_D0);
        CHECK("to stay", stays(d, IOMMUCTL_POWER_D0));
        CHECK("the map reads again",
              signal_of_read((char *)map + VET) == 0 && iommuctl_mmio_read32((char *)map + VET) == VET_RESET);
        GIVES("waking what is awake", 0, "", iommuctl_power_leave(d));
        iommuctl_region_free(bar);
}

static void check_wakeup(struct iommuctl_device *d)
{
        struct iommuctl_region *bar = NULL;
        struct iommuctl_wakeup *w = NULL;

        GIVES("it may sleep once", 0, "", iommuctl_wakeup_new(d, &w));
        if (!w)
                exit(1);
        CHECK("and does", becomes(d, IOMMUCTL_POWER_D3HOT));
        GIVES("nobody wakes it", -ETIMEDOUT, "not woken", iommuctl_wakeup_wait(w, 200));
        wake_by_sysfs();
        GIVES("who does it in sysfs is told of", 0, "", iommuctl_wakeup_wait(w, 5000));
        CHECK("it is on to stay", stays(d, IOMMUCTL_POWER_D0));
        GIVES("again", 0, "", iommuctl_wakeup_again(w));
        CHECK("it sleeps", becomes(d, IOMMUCTL_POWER_D3HOT));
        GIVES("it is used", 0, "", iommuctl_region_open(d, VFIO_PCI_BAR0_REGION_INDEX, &bar));
        GIVES("which is told", 0, "", iommuctl_wakeup_wait(w, 5000));
        CHECK("it is on to stay", stays(d, IOMMUCTL_POWER_D0));
        iommuctl_region_free(bar);
        GIVES("once more", 0, "", iommuctl_wakeup_again(w));
        CHECK("it sleeps", becomes(d, IOMMUCTL_POWER_D3HOT));
        GIVES("it is woken from here", 0, "", iommuctl_power_leave(d));
        GIVES("which is told, too", 0, "", iommuctl_wakeup_wait(w, 5000));
        GIVES("and once more", 0, "", iommuctl_wakeup_again(w));
        CHECK("it sleeps", becomes(d, IOMMUCTL_POWER_D3HOT));
        iommuctl_wakeup_free(w);
        CHECK("freeing wakes it", iommuctl_power_state(d) == IOMMUCTL_POWER_D0);
}

void test_power(void)
{
        struct iommuctl_container *c = new_container();
        struct iommuctl_device *d = open_device(c);

        check_sleep(d);
        check_wakeup(d);
        GIVES("it may sleep when it is closed", 0, "", iommuctl_power_enter(d));
        iommuctl_device_unref(d);
        d = open_device(c);
        CHECK("opened again it is on", stays(d, IOMMUCTL_POWER_D0));
        iommuctl_device_unref(d);
        iommuctl_container_unref(c);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The driver core's files: drivers/X/bind and unbind, drivers_probe, driver_override, uevent; and modules.
 * Facts: drivers/base/{bus,dd,driver}.c and drivers/pci/{pci-driver,pci-sysfs}.c. */
#include "fake_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>

struct fake_driver_state *fake_find_driver(struct fake *m, const char *bus, const char *name)
{
        for (struct fake_driver_state *d = m->drivers; d; d = d->next)
                if (streq(d->name, name) && (!bus || streq(d->bus, bus)))
                        return d;
        return NULL;
}

/* Names are compared as sysfs_streq() does: a newline at the end does not count. */
struct fake_device *fake_find_device(struct fake *m, const char *name)
{
        size_t n = strcspn(name, "\n");

        for (struct fake_device *d = m->devices; d; d = d->next)
                if (strlen(d->name) == n && strncmp(d->name, name, n) == 0)
                        return d;
        return NULL;
}

static struct fake_device *find_on_bus(struct fake *m, const char *bus, const char *name)
{
        struct fake_device *d = fake_find_device(m, name);

        return d && streq(d->bus, bus) ? d : NULL;
}

static bool has_new_id(const struct fake_driver_state *drv, const struct fake_device *d)
{
        char id[16];

        snprintf(id, sizeof(id), "%04x %04x", d->pci.vendor, d->pci.device);
        return strstr(drv->new_ids, id) != NULL;
}

/* pci_match_device(): an override excludes every other driver and always matches its own. */
static bool matches(const struct fake_driver_state *drv, const struct fake_device *d)
{
        if (!drv->registered || !streq(drv->bus, d->bus))
                return false;
        if (d->override)
                return streq(d->override, drv->name);
        return (d->native && streq(d->native, drv->name)) || has_new_id(drv, d);
}

/* device_attach(): tries each driver in turn. A probe that fails lets the next one try and is no error of the
 * write; that the group has a user is (really_probe() answers dma_configure()'s error as it is). 1: bound, 0:
 * not. */
int fake_probe_device(struct fake *m, struct fake_device *d)
{
        if (d->driver)
                return 1;
        for (struct fake_driver_state *drv = m->drivers; drv; drv = drv->next) {
                if (!matches(drv, d))
                        continue;
                if (!drv->managed_dma && !drv->vfio && d->group && d->group->dma_owner)
                        return -EBUSY;
                if (drv->probe_error)
                        continue;
                fake_bind_device(m, d, drv);
                if (d->driver)
                        return 1;
        }
        return 0;
}

/* Who holds the device's lock is in a driver's remove() that does not end: wait with it, as the write does.
 */
static int wait_unstuck(struct fake *m, const struct fake_device *d)
{
        while (d->stuck)
                if (!fake_next_event(m, UINT64_MAX))
                        return -EDEADLK;
        return 0;
}

static int probe_store(struct fake *m, struct fake_node *node, const char *value)
{
        struct fake_device *d = find_on_bus(m, node->owner, value);
        int r;

        if (!d)
                return -ENODEV;
        r = wait_unstuck(m, d);
        if (r < 0)
                return r;
        return fake_probe_device(m, d) < 0 ? -EINVAL : 0;
}

static int unbind_store(struct fake *m, struct fake_node *node, const char *value)
{
        struct fake_driver_state *drv = node->owner;
        struct fake_device *d = find_on_bus(m, drv->bus, value);
        int r;

        if (!d || d->driver != drv)
                return -ENODEV;
        r = wait_unstuck(m, d);
        if (r < 0)
                return r;
        fake_unbind_device(m, d);
        return wait_unstuck(m, d);
}

static int bind_store(struct fake *m, struct fake_node *node, const char *value)
{
        struct fake_driver_state *drv = node->owner;
        struct fake_device *d = find_on_bus(m, drv->bus, value);
        int r;

        if (!d || !matches(drv, d))
                return -ENODEV;
        r = wait_unstuck(m, d);
        if (r < 0)
                return r;
        if (d->driver || (!drv->managed_dma && !drv->vfio && d->group && d->group->dma_owner))
                return -EBUSY;
        if (drv->probe_error)
                return drv->probe_error;
        fake_bind_device(m, d, drv);
        return d->driver ? 0 : -EINVAL;
}

/* A new id is tried at once on every device without a driver (driver_attach()). */
static int new_id_store(struct fake *m, struct fake_node *node, const char *value)
{
        struct fake_driver_state *drv = node->owner;
        unsigned int vendor, device;
        size_t used = strlen(drv->new_ids);

        if (sscanf(value, "%x %x", &vendor, &device) != 2)
                return -EINVAL;
        snprintf(drv->new_ids + used, sizeof(drv->new_ids) - used, "%04x %04x\n", vendor, device);
        for (struct fake_device *d = m->devices; d; d = d->next)
                if (!d->driver && matches(drv, d))
                        fake_probe_device(m, d);
        return 0;
}

static const struct fake_attribute attr_probe = { .store = probe_store };
static const struct fake_attribute attr_unbind = { .store = unbind_store };
static const struct fake_attribute attr_bind = { .store = bind_store };
static const struct fake_attribute attr_new_id = { .store = new_id_store };

/* driver_set_override(): "\n" and "" clear, the rest of the line is the name. It took the device's lock until
 * the driver core got an override of its own (drivers/base/dd.c, __device_set_driver_override(), in 6.12.y
 * too by now). */
static int override_store(struct fake *m, struct fake_node *node, const char *value)
{
        struct fake_device *d = node->owner;
        size_t n = strcspn(value, "\n");
        int r;

        if (strlen(value) >= 4095)
                return -EINVAL;
        r = m->options.override_locked ? wait_unstuck(m, d) : 0;
        if (r < 0)
                return r;
        free(d->override);
        d->override = n ? fake_strdup(value) : NULL;
        if (n)
                d->override[n] = '\0';
        return 0;
}

static int override_show(struct fake *m, struct fake_node *node, char *buf, size_t size)
{
        struct fake_device *d = node->owner;
        int r = m->options.override_locked ? wait_unstuck(m, d) : 0;

        return r < 0 ? r : snprintf(buf, size, "%s\n", d->override ?: "(null)");
}

static int uevent_show(struct fake *m, struct fake_node *node, char *buf, size_t size)
{
        const struct fake_device *d = node->owner;
        const struct fake_pci *p = &d->pci;
        int n = 0;

        (void)m;
        if (d->driver)
                n = snprintf(buf, size, "DRIVER=%s\n", d->driver->name);
        if (!streq(d->bus, "pci"))
                return n + snprintf(buf + n, size - (size_t)n, "MODALIAS=%s:%s\n", d->bus, d->name);
        return n + snprintf(buf + n, size - (size_t)n,
                            "PCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\n"
                            "MODALIAS=pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n",
                            p->class, p->vendor, p->device, p->subsystem_vendor, p->subsystem_device, d->name,
                            p->vendor, p->device, p->subsystem_vendor, p->subsystem_device, p->class >> 16,
                            p->class >> 8 & 0xff, p->class & 0xff);
}

const struct fake_attribute fake_attr_override = { .show = override_show, .store = override_store };
const struct fake_attribute fake_attr_uevent = { .show = uevent_show };

static void underscores(char *to, size_t size, const char *from)
{
        snprintf(to, size, "%s", from);
        for (; *to; to++)
                if (*to == '-')
                        *to = '_';
}

static void add_module(struct fake *m, const char *module)
{
        char path[300];

        snprintf(path, sizeof(path), "/sys/module/%s/initstate", module);
        fake_add_file(m, path, "live\n");
        snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
        fake_add_file(m, path, "0\n");
}

/* Registers the driver: its folder appears, and devices without a driver are tried on it. */
static void register_driver(struct fake *m, struct fake_driver_state *drv)
{
        char path[300], at[400];

        if (drv->registered)
                return;
        drv->registered = true;
        snprintf(path, sizeof(path), "/sys/bus/%s/drivers_probe", drv->bus);
        if (!fake_node_at(m, path))
                fake_add_attribute(m, path, &attr_probe, drv->bus)->mode = 0200;
        snprintf(path, sizeof(path), "/sys/bus/%s/drivers/%s", drv->bus, drv->name);
        drv->dir = fake_mkdirs(m, path);
        snprintf(at, sizeof(at), "%s/bind", path);
        fake_add_attribute(m, at, &attr_bind, drv)->mode = 0200;
        snprintf(at, sizeof(at), "%s/unbind", path);
        fake_add_attribute(m, at, &attr_unbind, drv)->mode = 0200;
        snprintf(at, sizeof(at), "%s/new_id", path);
        fake_add_attribute(m, at, &attr_new_id, drv)->mode = 0200;
        for (struct fake_device *d = m->devices; d; d = d->next)
                if (!d->driver && matches(drv, d))
                        fake_probe_device(m, d);
}

void fake_add_driver(struct fake *m, const char *name, const struct fake_driver *driver)
{
        struct fake_driver_state *d = fake_zalloc(sizeof(*d));
        static const struct fake_driver plain;

        if (!driver)
                driver = &plain;
        d->name = fake_strdup(name);
        d->bus = fake_strdup(driver->bus ?: "pci");
        d->module = fake_strdup(driver->module);
        d->module_alias = fake_strdup(driver->module_alias);
        d->probe_error = driver->probe_error;
        d->unbind_hangs = driver->unbind_hangs;
        d->managed_dma = driver->managed_dma || driver->vfio;
        d->vfio = driver->vfio;
        d->next = m->drivers;
        m->drivers = d;
        if (d->module_alias) {
                char path[300];
                const char *old;

                snprintf(path, sizeof(path), "/lib/modules/%s/modules.alias", m->release);
                old = fake_read(m, path);
                fake_printf_file(m, path, "%salias %s %s\n", old ?: "", d->module_alias,
                                 d->module ?: d->name);
        }
        if (!d->module) {
                char module[128];

                underscores(module, sizeof(module), name);
                add_module(m, module);
                register_driver(m, d);
        }
}

void fake_set_probe_error(struct fake *m, const char *name, int error)
{
        fake_find_driver(m, NULL, name)->probe_error = error;
}

void fake_set_unbind_hangs(struct fake *m, const char *name, bool hangs)
{
        fake_find_driver(m, NULL, name)->unbind_hangs = hangs;
}

void fake_set_modprobe_status(struct fake *m, int status)
{
        m->modprobe_status = status;
}

/* modprobe: by the module's name, dashes and underscores alike, or by an alias. The program's exit status. */
int fake_load_module(struct fake *m, const char *name)
{
        char wanted[256], have[256];
        int status = 1;

        if (m->modprobe_status)
                return m->modprobe_status;
        underscores(wanted, sizeof(wanted), name);
        for (struct fake_driver_state *d = m->drivers; d; d = d->next) {
                underscores(have, sizeof(have), d->module ?: d->name);
                if (!streq(wanted, have) && !(d->module_alias && fnmatch(d->module_alias, name, 0) == 0))
                        continue;
                add_module(m, have);
                register_driver(m, d);
                status = 0;
        }
        return status;
}

int fake_do_run(struct fake *m, const char *const argv[])
{
        const char *last = argv[0];
        unsigned int i;

        for (i = 0; argv[i]; i++) {
                fake_append(&m->runs, "%s%s", i ? " " : "", argv[i]);
                if (i && argv[i][0] != '-')
                        last = argv[i];
        }
        fake_append(&m->runs, "\n");
        return streq(path_basename(argv[0]), "modprobe") ? fake_load_module(m, last) : 127;
}

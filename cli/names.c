/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "names.h"

#include <libudev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names_pci.h"
#include "util/arena.h"
#include "util/macro.h"

/* Vendor, device and class share one table: a kind above the number tells them apart. */
enum kind { VENDOR, DEVICE, CLASS };

struct entry {
        uint64_t key; /* 0: free; KEY() is never 0 */
        const char *name;
};

#define KEY(kind, number) ((uint64_t)((kind) + 1) << 32 | (number))

struct names {
        struct udev *udev;
        struct udev_hwdb *hwdb;
        bool udev_opened;
        struct names_pci *pci; /* made when it is first asked */
        struct arena arena;
        struct entry *table; /* open addressing, a power of two long, at most half full */
        size_t size, used;
};

struct names *names_new(void)
{
        return calloc(1, sizeof(struct names));
}

void names_free(struct names *n)
{
        if (!n)
                return;
        names_pci_free(n->pci);
        if (n->hwdb)
                udev_hwdb_unref(n->hwdb);
        if (n->udev)
                udev_unref(n->udev);
        arena_free(&n->arena);
        free(n->table);
        free(n);
}

static struct entry *slot(struct entry *table, size_t size, uint64_t key)
{
        size_t i = (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (size - 1);

        while (table[i].key != 0 && table[i].key != key)
                i = (i + 1) & (size - 1);
        return &table[i];
}

/* Room for one more; false when out of memory. */
static bool grow(struct names *n)
{
        size_t size = n->size ? n->size * 2 : 256;
        struct entry *table;

        if (n->used * 2 < n->size)
                return true;
        table = calloc(size, sizeof(*table));
        if (!table)
                return false;
        for (size_t i = 0; i < n->size; i++)
                if (n->table[i].key)
                        *slot(table, size, n->table[i].key) = n->table[i];
        free(n->table);
        n->table = table;
        n->size = size;
        return true;
}

static void open_udev(struct names *n)
{
        if (n->udev_opened)
                return;
        n->udev_opened = true;
        n->udev = udev_new();
        n->hwdb = n->udev ? udev_hwdb_new(n->udev) : NULL;
}

/* The value of a property of udev's database for what MODALIAS matches; where two are asked for, the first
 * that is there. */
static const char *ask_hwdb(struct names *n, const char *modalias, const char *property, const char *other)
{
        struct udev_list_entry *list, *found;

        if (!n->hwdb)
                return NULL;
        list = udev_hwdb_get_properties_list_entry(n->hwdb, modalias, 0);
        found = udev_list_entry_get_by_name(list, property);
        if (!found && other)
                found = udev_list_entry_get_by_name(list, other);
        return found ? udev_list_entry_get_value(found) : NULL;
}

/* The database's patterns are "pci:v000010DEd00002684*", "pci:v000010DE*" and "pci:v*d*sv*sd*bc03sc00*", in
 * which a star also stands for nothing: with the ids left out, only the class is searched for. */
static const char *look_up_hwdb(struct names *n, enum kind kind, uint32_t number)
{
        char modalias[64];

        switch (kind) {
        case VENDOR:
                snprintf(modalias, sizeof(modalias), "pci:v%08X", number);
                return ask_hwdb(n, modalias, "ID_VENDOR_FROM_DATABASE", NULL);
        case DEVICE:
                snprintf(modalias, sizeof(modalias), "pci:v%08Xd%08X", number >> 16, number & 0xffff);
                return ask_hwdb(n, modalias, "ID_MODEL_FROM_DATABASE", NULL);
        default:
                snprintf(modalias, sizeof(modalias), "pci:vdsvsdbc%02Xsc%02Xi00", number >> 8, number & 0xff);
                return ask_hwdb(n, modalias, "ID_PCI_SUBCLASS_FROM_DATABASE", "ID_PCI_CLASS_FROM_DATABASE");
        }
}

static bool look_up_pci(struct names *n, enum kind kind, uint32_t number, char *text, size_t size)
{
        switch (kind) {
        case VENDOR:
                return names_pci_vendor(&n->pci, number, text, size);
        case DEVICE:
                return names_pci_device(&n->pci, number >> 16, number & 0xffff, text, size);
        default:
                return names_pci_class(&n->pci, number, text, size);
        }
}

/* Both databases are made of pci.ids: what udev's does not know, libpci would read all of it for nothing. */
static const char *look_up(struct names *n, enum kind kind, uint32_t number, char *text, size_t size)
{
        open_udev(n);
        if (n->hwdb)
                return look_up_hwdb(n, kind, number);
        return look_up_pci(n, kind, number, text, size) ? text : NULL;
}

static const char *get(struct names *n, enum kind kind, uint32_t number)
{
        const char *name;
        struct entry *e;
        char text[256];

        if (!n || !grow(n))
                return NULL;
        e = slot(n->table, n->size, KEY(kind, number));
        if (e->key)
                return e->name;
        name = look_up(n, kind, number, text, sizeof(text));
        *e = (struct entry){ KEY(kind, number), name ? arena_strdup(&n->arena, name) : NULL };
        n->used++;
        return e->name;
}

const char *names_vendor(struct names *n, const struct iommuctl_device_info *d)
{
        uint32_t vendor;

        if (!iommuctl_device_info_number(d, IOMMUCTL_NUMBER_VENDOR_ID, &vendor))
                return NULL;
        return get(n, VENDOR, vendor);
}

const char *names_device(struct names *n, const struct iommuctl_device_info *d)
{
        uint32_t vendor, device;

        if (!iommuctl_device_info_number(d, IOMMUCTL_NUMBER_VENDOR_ID, &vendor) ||
            !iommuctl_device_info_number(d, IOMMUCTL_NUMBER_DEVICE_ID, &device))
                return NULL;
        return get(n, DEVICE, vendor << 16 | device);
}

const char *names_class(struct names *n, const struct iommuctl_device_info *d)
{
        uint32_t class;

        if (!iommuctl_device_info_number(d, IOMMUCTL_NUMBER_CLASS, &class))
                return NULL;
        return get(n, CLASS, class >> 8);
}

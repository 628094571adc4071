/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "details.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* include/linux/ioport.h of the kernel: the third number of each line of "resource". */
#define RESOURCE_IO       0x00000100u
#define RESOURCE_MEM      0x00000200u
#define RESOURCE_PREFETCH 0x00002000u
#define RESOURCE_MEM_64   0x00100000u

struct reader {
        struct iommuctl_topology *topology;
        const struct iommuctl_device_info *device;
};

static void take(const struct reader *r, const char *name, char *text, size_t size)
{
        if (iommuctl_topology_read_attribute(r->topology, r->device, name, text, size) < 0)
                *text = '\0';
}

/* "0x00000000fd000000 0x00000000fdffffff 0x0000000000040200" a line, a line of zeros for what is not there
 * (resource_show() in drivers/pci/pci-sysfs.c). */
static void take_bars(const struct reader *r, struct details *d)
{
        char text[4096], *line, *rest = NULL;

        take(r, "resource", text, sizeof(text));
        line = strtok_r(text, "\n", &rest);
        for (int i = 0; line && i < DETAILS_BARS; i++, line = strtok_r(NULL, "\n", &rest)) {
                struct bar bar;

                if (sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64, &bar.start, &bar.end, &bar.flags) != 3 ||
                    bar.end < bar.start)
                        return;
                d->bars[i] = bar;
                d->bars_known = true;
        }
}

void details_read(struct iommuctl_topology *topology, const struct iommuctl_device_info *device,
                  struct details *d)
{
        const struct reader r = { topology, device };

        *d = (struct details){ 0 };
        take_bars(&r, d);
        take(&r, "reset_method", d->reset_methods, sizeof(d->reset_methods));
        take(&r, "power_state", d->power_state, sizeof(d->power_state));
        take(&r, "current_link_speed", d->link_speed, sizeof(d->link_speed));
        take(&r, "current_link_width", d->link_width, sizeof(d->link_width));
        take(&r, "max_link_speed", d->max_link_speed, sizeof(d->max_link_speed));
        take(&r, "max_link_width", d->max_link_width, sizeof(d->max_link_width));
        take(&r, "boot_vga", d->boot_vga, sizeof(d->boot_vga));
        take(&r, "sriov_numvfs", d->vfs, sizeof(d->vfs));
        take(&r, "sriov_totalvfs", d->max_vfs, sizeof(d->max_vfs));
        take(&r, "physfn", d->physical_function, sizeof(d->physical_function));
}

const char *bar_kind(const struct bar *b)
{
        if (b->flags & RESOURCE_IO)
                return "io";
        return b->flags & RESOURCE_MEM_64 ? "memory64" : "memory32";
}

bool bar_prefetchable(const struct bar *b)
{
        return b->flags & RESOURCE_PREFETCH;
}

static bool bar_there(const struct bar *b)
{
        return b->flags & (RESOURCE_IO | RESOURCE_MEM);
}

static void bars_json(struct sink *out, const struct details *d)
{
        if (!d->bars_known) {
                sink_null(out, "bars");
                return;
        }
        sink_begin_array(out, "bars");
        for (unsigned int i = 0; i < DETAILS_BARS; i++) {
                const struct bar *b = &d->bars[i];

                if (!bar_there(b))
                        continue;
                sink_begin_object(out, NULL);
                sink_uint(out, "index", i);
                sink_hex(out, "start", b->start, 1);
                sink_hex(out, "end", b->end, 1);
                sink_uint(out, "size", b->end - b->start + 1);
                sink_string(out, "kind", bar_kind(b));
                sink_bool(out, "prefetchable", bar_prefetchable(b));
                sink_end_object(out);
        }
        sink_end_array(out);
}

static void string_or_null(struct sink *out, const char *key, const char *text)
{
        sink_string(out, key, *text ? text : NULL);
}

static void number_or_null(struct sink *out, const char *key, const char *text)
{
        if (*text && text[strspn(text, "0123456789")] == '\0')
                sink_uint(out, key, strtoull(text, NULL, 10));
        else
                sink_null(out, key);
}

static void methods_json(struct sink *out, const char *methods)
{
        char text[sizeof(((struct details *)0)->reset_methods)], *rest = NULL;

        if (!*methods) {
                sink_null(out, "reset_methods");
                return;
        }
        strcpy(text, methods);
        sink_begin_array(out, "reset_methods");
        for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
                sink_string(out, NULL, word);
        sink_end_array(out);
}

void details_json(struct sink *out, const struct details *d)
{
        bars_json(out, d);
        methods_json(out, d->reset_methods);
        string_or_null(out, "power_state", d->power_state);
        string_or_null(out, "link_speed", d->link_speed);
        number_or_null(out, "link_width", d->link_width);
        string_or_null(out, "max_link_speed", d->max_link_speed);
        number_or_null(out, "max_link_width", d->max_link_width);
        if (*d->boot_vga)
                sink_bool(out, "boot_vga", streq(d->boot_vga, "1"));
        else
                sink_null(out, "boot_vga");
        number_or_null(out, "vfs", d->vfs);
        number_or_null(out, "max_vfs", d->max_vfs);
        string_or_null(out, "physical_function", d->physical_function);
}

static void row(struct sink *out, const char *label, const char *text)
{
        if (!*text)
                return;
        sink_cell(out, STYLE_DIM, "  %s", label);
        sink_cell(out, STYLE_PLAIN, "%s", text);
        sink_end_row(out);
}

static void size_text(uint64_t size, char *text, size_t room)
{
        static const char units[] = " KMGTPE";
        unsigned int i = 0;

        while (size >= 1024 && size % 1024 == 0 && units[i + 1]) {
                size /= 1024;
                i++;
        }
        snprintf(text, room, i > 0 ? "%" PRIu64 " %ciB" : "%" PRIu64 " bytes", size, units[i]);
}

static void bar_row(struct sink *out, unsigned int index, const struct bar *b)
{
        char label[16], text[160], size[32];

        if (!bar_there(b))
                return;
        if (index == 6)
                strcpy(label, "ROM");
        else
                snprintf(label, sizeof(label), "BAR %u", index);
        size_text(b->end - b->start + 1, size, sizeof(size));
        snprintf(text, sizeof(text), "0x%" PRIx64 "-0x%" PRIx64 ", %s, %s%s", b->start, b->end, size,
                 bar_kind(b), bar_prefetchable(b) ? ", prefetchable" : "");
        row(out, label, text);
}

void details_rows(struct sink *out, const struct details *d)
{
        char text[256];

        row(out, "power", d->power_state);
        snprintf(text, sizeof(text), "%s x%s, at most %s x%s", d->link_speed, d->link_width,
                 d->max_link_speed, d->max_link_width);
        if (*d->link_speed && *d->link_width && *d->max_link_speed && *d->max_link_width)
                row(out, "link", text);
        row(out, "reset", d->reset_methods);
        if (streq(d->boot_vga, "1"))
                row(out, "display", "the one that firmware booted with");
        snprintf(text, sizeof(text), "%s of %s", d->vfs, d->max_vfs);
        if (*d->vfs && *d->max_vfs && !streq(d->max_vfs, "0"))
                row(out, "VFs", text);
        row(out, "VF of", d->physical_function);
        for (unsigned int i = 0; i < DETAILS_BARS; i++)
                bar_row(out, i, &d->bars[i]);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failure: the Nth call fails, or the process dies there; and the audit that says what is left over. */
#include "fake_internal.h"

#include <errno.h>
#include <stdlib.h>

void fake_set_fault(struct fake *m, enum fake_fault_kind kind, unsigned int n, int error)
{
        m->fault = kind;
        m->fault_in = n;
        m->fault_error = error;
        m->fault_hit = false;
        m->fault_where[0] = '\0';
}

void fake_mend(struct fake *m)
{
        if (m->fault == FAKE_FAULT_STICKY && m->fault_hit)
                m->fault = FAKE_FAULT_NONE;
}

bool fake_fault_hit(struct fake *m)
{
        return m->fault_hit;
}

int fake_fault_error(struct fake *m)
{
        return m->fault_error;
}

const char *fake_fault_where(struct fake *m)
{
        return m->fault_where;
}

bool fake_process_is_dead(struct fake *m)
{
        return m->dead;
}

/* The kernel's side of a process's end: every descriptor is closed, its memory goes. */
static void die(struct fake *m)
{
        m->dead = true;
        fake_close_all(m);
        fake_forget_mmaps(m);
}

_Thread_local unsigned int fake_depth;

int fake_enter(struct fake *m, const char *what, const char *detail)
{
        pthread_mutex_lock(&m->lock);
        fake_depth++;
        if (m->dead)
                return -EIO;
        m->n_calls++;
        if (m->fault == FAKE_FAULT_STICKY && m->fault_hit) {
                char now[sizeof(m->fault_where)];

                snprintf(now, sizeof(now), "%s%s%s", what, detail ? " " : "", detail ?: "");
                return streq(now, m->fault_where) ? m->fault_error : 0;
        }
        if (m->fault_in == 0 || --m->fault_in > 0)
                return 0;
        m->fault_hit = true;
        snprintf(m->fault_where, sizeof(m->fault_where), "%s%s%s", what, detail ? " " : "", detail ?: "");
        if (m->fault == FAKE_FAULT_ERROR || m->fault == FAKE_FAULT_STICKY)
                return m->fault_error;
        if (m->fault != FAKE_FAULT_KILL_BEFORE)
                return 0;
        die(m);
        return -EIO;
}

void fake_leave(struct fake *m)
{
        if (m->fault == FAKE_FAULT_KILL_AFTER && m->fault_hit && !m->dead)
                die(m);
        fake_depth--;
        pthread_mutex_unlock(&m->lock);
}

bool fake_inside(void)
{
        return fake_depth > 0;
}

/* This very call is the one to be cut short. */
bool fake_short(struct fake *m)
{
        if (m->fault != FAKE_FAULT_SHORT || !m->fault_hit)
                return false;
        m->fault = FAKE_FAULT_NONE;
        return true;
}

void fake_revive(struct fake *m)
{
        if (!m->dead)
                die(m);
        m->dead = false;
        fake_set_fault(m, FAKE_FAULT_NONE, 0, 0);
        m->pid++;
}

void fake_count_ioctl(struct fake *m, unsigned long request)
{
        for (size_t i = 0; i < ARRAY_SIZE(m->ioctls); i++) {
                if (m->ioctls[i].count && m->ioctls[i].request != request)
                        continue;
                m->ioctls[i].request = request;
                m->ioctls[i].count++;
                return;
        }
}

unsigned int fake_n_ioctls(struct fake *m, unsigned long request)
{
        for (size_t i = 0; i < ARRAY_SIZE(m->ioctls); i++)
                if (m->ioctls[i].count && m->ioctls[i].request == request)
                        return m->ioctls[i].count;
        return 0;
}

unsigned int fake_n_calls(struct fake *m)
{
        return m->n_calls;
}

unsigned int fake_n_fds(struct fake *m)
{
        return m->n_fds;
}

unsigned int fake_n_mmaps(struct fake *m)
{
        unsigned int n = 0;

        for (struct fake_mmap *a = m->mmaps; a; a = a->next)
                n += !a->dead;
        return n;
}

static unsigned int audit_fds(struct fake *m, unsigned int allowed)
{
        unsigned int found = 0;

        if (m->n_fds <= allowed)
                return 0;
        for (int fd = 0; fd < FAKE_MAX_FDS; fd++) {
                const struct fake_file *f = m->fds[fd];

                if (!f)
                        continue;
                fake_append(&m->audit, "descriptor %d is open: %s\n", fd,
                            f->node                  ? fake_node_path(f->node)
                            : f->ops && f->ops->what ? f->ops->what
                                                     : "memfd or eventfd");
                found++;
        }
        return found - allowed;
}

static unsigned int audit_drivers(struct fake *m)
{
        unsigned int found = 0;

        for (struct fake_device *d = m->devices; d; d = d->next) {
                if (d->open_count) {
                        fake_append(&m->audit, "%s is open\n", d->name);
                        found++;
                }
                for (unsigned int i = 0; i < FAKE_N_IRQS; i++)
                        if (d->irq[i].enabled) {
                                fake_append(&m->audit, "%s: interrupt index %u is on\n", d->name, i);
                                found++;
                        }
        }
        for (struct fake_group *g = m->groups; g; g = g->next)
                if (g->opened_by || g->container || g->dma_owner || g->cdev_users) {
                        fake_append(&m->audit, "group %u is in use\n", g->id);
                        found++;
                }
        return found;
}

unsigned int fake_audit(struct fake *m, unsigned int allowed_fds, const char **ret_text)
{
        unsigned int found, n;

        m->audit.length = 0;
        fake_append(&m->audit, "%s", "");
        found = audit_fds(m, allowed_fds) + audit_drivers(m);
        n = fake_n_mmaps(m);
        if (n) {
                fake_append(&m->audit, "%u areas of memory are still mapped in the process\n", n);
                found += n;
        }
        n = fake_n_mappings(m);
        if (n) {
                fake_append(&m->audit, "%u mappings for devices are left, %llu bytes\n", n,
                            (unsigned long long)fake_mapped_bytes(m));
                found += n;
        }
        if (m->pinned) {
                fake_append(&m->audit, "%llu bytes are still pinned\n", (unsigned long long)m->pinned);
                found++;
        }
        *ret_text = m->audit.data;
        return found;
}

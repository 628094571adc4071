/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommufd_object.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "iommufd.h"

int iommufd_call(struct iommuctl_container *c, unsigned long request, void *arg)
{
        struct kernel *k = container_kernel(c);

        return k->ops->ioctl(k, c->space.fd, request, arg);
}

int iommufd_check(struct iommuctl_container *c, const char *what)
{
        const struct backend *backend = container_backend(c);

        if (backend == &backend_iommufd)
                return 0;
        if (backend)
                return ctx_error(c->ctx, -EOPNOTSUPP, NULL,
                                 "%s needs the iommufd backend (Linux 6.6), and the container is a %s one",
                                 what, iommuctl_backend_name(backend->id));
        return ctx_error(c->ctx, -ENODEV, NULL,
                         "%s needs an iommufd, and the container has none yet: open a device in it first, or "
                         "make it with the iommufd backend",
                         what);
}

void iommufd_describe_device(struct iommuctl_container *c, uint32_t id, struct iommufd_device_text *ret_text)
{
        struct iommuctl_device *d;

        pthread_mutex_lock(&c->iommufd->lock);
        d = iommufd_find_device(c->iommufd, id);
        pthread_mutex_unlock(&c->iommufd->lock);
        snprintf(ret_text->name, sizeof(ret_text->name), "%s", d ? d->name : "");
        if (d)
                snprintf(ret_text->text, sizeof(ret_text->text), "%s (device %u of the iommufd)",
                         ret_text->name, id);
        else
                snprintf(ret_text->text, sizeof(ret_text->text), "device %u of the iommufd", id);
        iommuctl_device_unref(d);
}

int iommufd_explain(struct iommuctl_container *c, uint32_t device_id, const char *what, const char *since,
                    int r)
{
        struct iommufd_device_text d = { .text = "", .name = "" };

        if (device_id)
                iommufd_describe_device(c, device_id, &d);
        switch (r) {
        case -ENOTTY:
        case -E2BIG: /* a member that the kernel does not know is not zero */
                return ctx_error(c->ctx, -EOPNOTSUPP, d.name, "%s needs Linux %s, and this kernel is older",
                                 what, since);
        case -EOPNOTSUPP:
                return ctx_error(c->ctx, r, d.name,
                                 "%s is refused: the IOMMU%s%s does not do it, or this kernel is "
                                 "older than Linux %s",
                                 what, device_id ? " of " : "", d.text, since);
        case -ENOENT:
                return ctx_error(c->ctx, r, d.name,
                                 "%s is refused: there is no %s, or somebody destroyed what it is made from",
                                 what, device_id ? d.text : "such object");
        case -ENOMEM:
                return ctx_error(c->ctx, r, d.name, "the kernel has no memory for %s", what);
        default:
                return ctx_error(c->ctx, r, d.name, "%s is refused%s%s: %s", what, device_id ? " for " : "",
                                 d.text, strerror(-r));
        }
}

void iommufd_object_init(struct iommufd_object *o, struct iommuctl_container *c, uint32_t id)
{
        *o = (struct iommufd_object){ .refcount = 1, .container = iommuctl_container_ref(c), .id = id };
}

bool iommufd_object_try_ref(struct iommufd_object *o)
{
        unsigned int n = __atomic_load_n(&o->refcount, __ATOMIC_RELAXED);

        while (n > 0)
                if (__atomic_compare_exchange_n(&o->refcount, &n, n + 1, true, __ATOMIC_ACQ_REL,
                                                __ATOMIC_RELAXED))
                        return true;
        return false;
}

bool iommufd_object_unref(struct iommufd_object *o)
{
        return __atomic_sub_fetch(&o->refcount, 1, __ATOMIC_ACQ_REL) == 0;
}

void iommufd_object_destroy(struct iommufd_object *o, const char *what)
{
        struct iommuctl_container *c = o->container;
        int r = iommufd_destroy(container_kernel(c), c->space.fd, o->id);

        if (r < 0)
                ctx_log(c->ctx, IOMMUCTL_LOG_WARNING,
                        "%s %u stays in the kernel until its iommufd is closed: %s", what, o->id,
                        strerror(-r));
}

/*
 * vnet: <linux/virtio_net.h> and <linux/if_tun.h> with what kernels up to 6.2
 * do not say yet: segmentation of UDP (USO).
 */
#ifndef ENGINE_LINUX_VNET_H
#define ENGINE_LINUX_VNET_H

#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#endif

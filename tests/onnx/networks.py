# SPDX-License-Identifier: Apache-2.0
"""Networks of the zoo that torchvision does not have, written from their papers for PyTorch.

NETWORKS has, by name, what makes the network and the size of its input.
"""
import torch
from torch import nn


def lenet5():
    """LeCun et al. 1998, every pair of planes connected in the second convolution."""
    return nn.Sequential(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5),
                         nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten(),
                         nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))


def lenet_caffe():
    """Jia et al. 2014: the LeNet that comes with Caffe."""
    return nn.Sequential(nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 500), nn.ReLU(),
                         nn.Linear(500, 10))


def nin():
    """Lin et al. 2013: each convolution is followed by two of 1x1."""
    def mlpconv(inputs, outputs, last=None, **options):
        return [nn.Conv2d(inputs, outputs, **options), nn.ReLU(), nn.Conv2d(outputs, outputs, 1),
                nn.ReLU(), nn.Conv2d(outputs, last or outputs, 1), nn.ReLU()]

    def pool():
        return nn.MaxPool2d(3, 2, ceil_mode=True)
    return nn.Sequential(
        *mlpconv(3, 96, kernel_size=11, stride=4), pool(),
        *mlpconv(96, 256, kernel_size=5, padding=2), pool(),
        *mlpconv(256, 384, kernel_size=3, padding=1), pool(), nn.Dropout(),
        *mlpconv(384, 1024, 1000, kernel_size=3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def overfeat():
    """Sermanet et al. 2013, the fast model."""
    def conv(inputs, outputs, size, **options):
        return [nn.Conv2d(inputs, outputs, size, **options), nn.ReLU()]
    return nn.Sequential(
        *conv(3, 96, 11, stride=4), nn.MaxPool2d(2), *conv(96, 256, 5), nn.MaxPool2d(2),
        *conv(256, 512, 3, padding=1), *conv(512, 1024, 3, padding=1),
        *conv(1024, 1024, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(),
        nn.Linear(1024 * 36, 3072), nn.ReLU(), nn.Dropout(), nn.Linear(3072, 4096), nn.ReLU(),
        nn.Linear(4096, 1000))


def mobilenet_v1():
    """Howard et al. 2017, Table 1."""
    def conv(inputs, outputs, size=1, stride=1, groups=1):
        return [nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
                nn.BatchNorm2d(outputs), nn.ReLU()]
    layers = conv(3, 32, 3, 2)
    inputs = 32
    for outputs, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
                            *[(512, 1)] * 5, (1024, 2), (1024, 1)]:
        layers += conv(inputs, inputs, 3, stride, inputs) + conv(inputs, outputs)
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))


class Basic(nn.Module):
    """A residual block of He et al. 2015 whose shortcut has no parameters (option A)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.stride = stride
        self.more = outputs - inputs

    def forward(self, x):
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        if self.stride > 1:
            x = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.more))
        return torch.relu(y + x)


def resnet20():
    """He et al. 2015, Sec. 4.2, for CIFAR-10."""
    blocks = []
    inputs = 16
    for outputs, stride in [(16, 1), (32, 2), (64, 2)]:
        for i in range(3):
            blocks.append(Basic(inputs, outputs, stride if i == 0 else 1))
            inputs = outputs
    return nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
                         *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


NETWORKS = {"lenet5": (lenet5, (1, 32, 32)), "lenet_caffe": (lenet_caffe, (1, 28, 28)),
            "nin": (nin, (3, 224, 224)), "overfeat": (overfeat, (3, 231, 231)),
            "mobilenet_v1": (mobilenet_v1, (3, 224, 224)), "resnet20": (resnet20, (3, 32, 32))}

"""Runs ONNX files in OpenCV. The one argument is a folder whose cases.txt has a line for each run: file, input, output, shape (by tabs).

Inputs and outputs are raw float32. A line is printed for each run: the output's shape, or what OpenCV said instead.
"""
import os
import sys

import cv2
import numpy

folder = sys.argv[1]
cv2.setNumThreads(1)
with open(os.path.join(folder, "cases.txt"), encoding="utf-8") as cases:
    for line in cases:
        model, given, answer, shape = line.rstrip("\n").split("\t")
        try:
            net = cv2.dnn.readNetFromONNX(os.path.join(folder, model))
            x = numpy.fromfile(os.path.join(folder, given), dtype="<f4").reshape([int(size) for size in shape.split(",")])
            net.setInput(x)
            y = net.forward()
            y.astype("<f4").tofile(os.path.join(folder, answer))
            print(",".join(str(size) for size in y.shape))
        except cv2.error as error:
            print("error:", " ".join(str(error).split()))

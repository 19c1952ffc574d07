"""Trained models outside of PyTorch: ONNX files, and what runs them.

``export_onnx`` writes a file, ``onnx_classifier`` answers from it. The latter
imports neither torch nor the host, so nothing is imported here.
"""

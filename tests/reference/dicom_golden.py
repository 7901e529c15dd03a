#!/usr/bin/env python3
"""What pydicom makes of DICOM images: those it ships with, and small ones made here.

    python3 -m venv /tmp/venv
    /tmp/venv/bin/pip install pydicom==3.0.2 numpy pillow pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pyjpegls
    /tmp/venv/bin/python tests/reference/dicom_golden.py     # writes tests/golden/dicom.json and tests/golden/dicom/
    CHESTXR_PYDICOM_DIR=$(/tmp/venv/bin/python -c \\
        'import pydicom.data, os; print(os.path.join(os.path.dirname(pydicom.data.__file__), "test_files"))')

The first list is read from CHESTXR_PYDICOM_DIR, the second lies in tests/golden/dicom. Values are of 0 to 65,535,
white high, after rescale, first window (or table, or least to greatest), padding black and MONOCHROME1 inverted. Lossy
JPEG decoders may differ by a step or two of 8 bits: those files have a `tolerance` of their own. Both
are seeded: the script writes the same bytes each time.
"""
import io
import json
import pathlib
import struct
import warnings

import numpy as np
import pydicom
import pydicom.data
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing
from pydicom.uid import UID

warnings.filterwarnings("ignore")
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
MADE = GOLDEN / "dicom"
SHIPPED = pathlib.Path(pydicom.data.__file__).parent / "test_files"
WHITE = 65535.0
QUARTER = 64  # a quarter of an 8-bit grey level
SMALL = 2000
# What pydicom reads all the same, or says something else about.
CUT = {"MR_truncated.dcm", "rtplan_truncated.dcm", "DICOMDIR-nooffset"}
LOSSY = 2 * 257 + QUARTER

IMPLICIT, EXPLICIT, BIG, DEFLATED = (f"1.2.840.10008.1.2{s}" for s in ("", ".1", ".2", ".1.99"))
RLE, JPEG, JPEG12, LOSSLESS, J2K_LOSSLESS = (f"1.2.840.10008.1.2{s}" for s in (".5", ".4.50", ".4.51", ".4.70", ".4.90"))
JPEG_LS, JPEG_LS_NEAR = (f"1.2.840.10008.1.2{s}" for s in (".4.80", ".4.81"))
READ = {JPEG_LS, JPEG_LS_NEAR, IMPLICIT, EXPLICIT, BIG, DEFLATED, RLE, JPEG, JPEG12, "1.2.840.10008.1.2.4.57", LOSSLESS, J2K_LOSSLESS,
        "1.2.840.10008.1.2.4.91"}


def refusal(ds):
    """A word of the sentence that refuses the file; None when it should be read."""
    syntax = str(ds.file_meta.get("TransferSyntaxUID", ""))
    if "PixelData" not in ds:
        return "without a picture"
    if "PhotometricInterpretation" not in ds:
        return ""
    photometric = str(ds.get("PhotometricInterpretation", ""))
    # Equal colours are grey, so that of RGB what else is wrong comes first.
    if photometric != "RGB" and not photometric.startswith("MONOCHROME"):
        return "colour"
    if int(str(ds.get("NumberOfFrames", 1) or 1)) > 1:
        return "frames"
    if ds.BitsAllocated not in (8, 16):
        return "bits for a pixel"
    if syntax not in READ:
        return "which isn't read"
    if syntax == JPEG12 and ds.BitsStored > 8:
        return "12-bit JPEG"
    return "colour" if photometric == "RGB" else None


def image(ds):
    """The image in float64 of 0 to 65,535."""
    stored = ds.pixel_array
    values = np.asarray(apply_modality_lut(stored, ds), np.float64)
    padded = np.zeros(stored.shape, bool)
    if "PixelPaddingValue" in ds:
        ends = [int(np.array(int(v) & 0xFFFF, np.uint16).astype(np.int16 if ds.PixelRepresentation else np.uint16))
                for v in (ds.PixelPaddingValue, ds.get("PixelPaddingRangeLimit", ds.PixelPaddingValue))]
        padded = (stored >= min(ends)) & (stored <= max(ends))
    if ds.get("WindowCenter") not in (None, "") and ds.get("WindowWidth") not in (None, ""):
        shown = apply_windowing(apply_modality_lut(stored, ds), ds)
        if "ModalityLUTSequence" in ds:
            low, high = 0, 2 ** ds.ModalityLUTSequence[0].LUTDescriptor[2] - 1
        elif ds.PixelRepresentation:
            low, high = -(2 ** (ds.BitsStored - 1)), 2 ** (ds.BitsStored - 1) - 1
        else:
            low, high = 0, 2**ds.BitsStored - 1
        if "ModalityLUTSequence" not in ds and "RescaleSlope" in ds and "RescaleIntercept" in ds:
            low, high = (v * ds.RescaleSlope + ds.RescaleIntercept for v in (float(low), float(high)))
        grey = (np.asarray(shown, np.float64) - low) / (high - low)
    elif "VOILUTSequence" in ds:
        shown = apply_voi(values.astype(np.int64), ds)
        grey = np.asarray(shown, np.float64) / (2 ** ds.VOILUTSequence[0].LUTDescriptor[2] - 1)
    else:
        seen = values[~padded]
        low, high = (seen.min(), seen.max()) if seen.size else (0.0, 0.0)
        grey = (values - low) / (high - low) if high > low else np.zeros(values.shape)
    grey = np.clip(grey, 0, 1)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        grey = 1 - grey
    grey[padded] = 0
    return grey * WHITE


def case(path, name):
    entry = {"file": name}
    if path.name in CUT:
        return entry | {"refused": "cut short"}
    try:
        ds = pydicom.dcmread(path, force=True)
        said = refusal(ds)
        entry["syntax"] = UID(str(ds.file_meta.get("TransferSyntaxUID", ""))).name
        if said is None:
            pixels = image(ds)
    except Exception as error:  # whatever is wrong with it, a sentence must come
        entry.update(refused="", why=type(error).__name__)
        return entry
    if said is not None:
        # Of what hardly is DICOM, only a sentence is asked for.
        entry["refused"] = said if entry["syntax"] else ""
        return entry
    rows, columns = pixels.shape
    # Every pixel of a small image, of a large one as many as keep the file small.
    at = [(i * 7919 + 13) % (rows * columns) for i in range(200)]
    values = {"pixels": [round(float(v)) for v in pixels.flat]} if rows * columns <= SMALL else {
        "probes": [[i, round(float(pixels.flat[i]))] for i in at]}
    entry.update(
        rows=rows, columns=columns, photometric=ds.PhotometricInterpretation,
        tolerance=LOSSY if str(ds.file_meta.get("TransferSyntaxUID")) in (JPEG, JPEG12) else QUARTER,
        mean=round(float(pixels.mean()), 3), min=round(float(pixels.min()), 3), max=round(float(pixels.max()), 3),
        **values)
    return entry


# ---- Images made here ------------------------------------------------------------------------------------------------
ROWS, COLUMNS = 12, 16


def ramp(bits, low=0):
    """Numbers over the whole range of `bits`, in no order."""
    count = ROWS * COLUMNS
    order = np.random.default_rng(7).permutation(count).reshape(ROWS, COLUMNS)
    return low + np.round(order * (2**bits - 1) / (count - 1)).astype(np.int64)


def smooth(bits, low=0):
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    return low + np.round((2**bits - 1) * (0.5 + 0.25 * np.sin(x / 5) + 0.25 * np.cos(y / 4))).astype(np.int64)


def lossless_jpeg(values, bits):
    """ITU-T T.81 process 14 with predictor 1, and a Huffman table in which each category has a code of 5 bits."""
    written = []
    rows, columns = values.shape
    for y in range(rows):
        for x in range(columns):
            before = values[y, x - 1] if x else values[y - 1, x] if y else 1 << (bits - 1)
            difference = int(values[y, x]) - int(before)
            difference = (difference + 0x8000) % 0x10000 - 0x8000
            size = abs(difference).bit_length()
            written.append(format(size, "05b"))
            if 0 < size < 16:
                code = difference if difference > 0 else difference + (1 << size) - 1
                written.append(format(code, f"0{size}b"))
    stream = "".join(written)
    stream += "1" * (-len(stream) % 8)
    data = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\x00")
    table = b"\x00" + bytes([0, 0, 0, 0, 17] + [0] * 11) + bytes(range(17))
    return (b"\xff\xd8\xff\xc3" + struct.pack(">HBHHBBBB", 11, bits, rows, columns, 1, 1, 0x11, 0)
            + b"\xff\xc4" + struct.pack(">H", 2 + len(table)) + table
            + b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 0, 0) + data + b"\xff\xd9")


def table(descriptor, data, vr="US"):
    item = Dataset()
    item.add_new("LUTDescriptor", vr, descriptor)
    item.add_new("LUTData", "OW", np.asarray(data, "<u2").tobytes())
    return [item]


def make(name, values, allocated=16, stored=12, signed=False, syntax=EXPLICIT, photometric="MONOCHROME2", above=0, **more):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = "1.2.3.4"
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.Modality, ds.PatientID, ds.PatientName = "CR", "made-1", "Secret^Name"
    ds.PatientSex, ds.PatientAge, ds.ViewPosition = "F", "061Y", "PA"
    if syntax == J2K_LOSSLESS:  # its encoder wants 32 pixels a side
        values = np.tile(values, (3, 2) if np.shape(values) == (ROWS, COLUMNS) else (3, 3))
    (ds.Rows, ds.Columns), ds.SamplesPerPixel = np.shape(values), 1
    ds.PhotometricInterpretation, ds.PixelRepresentation = photometric, int(signed)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = allocated, stored, stored - 1
    for key, value in more.items():
        if key.startswith("PixelPadding"):
            ds.add_new(key, "SS" if signed else "US", value)
        else:
            setattr(ds, key, value)
    kind = ("i" if signed else "u") + str(allocated // 8)
    pixels = np.asarray(values).astype("<" + kind)
    if above:  # rubbish in the bits that don't count
        pixels = (pixels.view("<u2") | np.uint16(above)).view(pixels.dtype)
    raw = pixels.tobytes()
    ds["PixelData"] = pydicom.DataElement(0x7FE00010, "OW" if allocated == 16 else "OB", raw)
    if syntax == BIG:
        padded = raw + b"\0" * (len(raw) % 2)
        swapped = np.frombuffer(padded, "<u2").astype(">u2").tobytes()
        ds["PixelData"] = pydicom.DataElement(0x7FE00010, "OW", swapped)
        for sequence in ("ModalityLUTSequence", "VOILUTSequence"):
            if sequence in ds:
                item = ds[sequence][0]
                item.LUTData = np.frombuffer(item.LUTData, "<u2").astype(">u2").tobytes()
    if syntax in (JPEG, LOSSLESS):
        packed = io.BytesIO()
        if syntax == JPEG:
            Image.fromarray(np.asarray(values, np.uint8)).save(packed, "JPEG", quality=95)
        else:
            packed.write(lossless_jpeg(np.asarray(values) & (2**stored - 1), stored))
        ds["PixelData"] = pydicom.DataElement(0x7FE00010, "OB", encapsulate([packed.getvalue()]))
        ds["PixelData"].is_undefined_length = True
    elif syntax in (RLE, J2K_LOSSLESS, JPEG_LS, JPEG_LS_NEAR):
        ds.file_meta.TransferSyntaxUID = UID(EXPLICIT)
        error = dict(jls_error=3) if syntax == JPEG_LS_NEAR else {}
        ds.compress(UID(syntax), generate_instance_uid=False, **error)
    path = MADE / f"{name}.dcm"
    little = syntax != BIG
    pydicom.dcmwrite(path, ds, enforce_file_format=True, implicit_vr=syntax == IMPLICIT, little_endian=little)
    return case(path, path.name)


def made():
    MADE.mkdir(parents=True, exist_ok=True)
    for old in MADE.glob("*.dcm"):
        old.unlink()
    window = dict(WindowCenter=1800, WindowWidth=2500)
    curve = np.round(1023 * (np.arange(3000) / 2999) ** 0.6)
    return [
        make("mono1_window", ramp(12), photometric="MONOCHROME1", **window, RescaleSlope="0.684", RescaleIntercept=200),
        make("mono1_stretch", ramp(12), photometric="MONOCHROME1"),
        make("mono1_padded", ramp(12), photometric="MONOCHROME1", PixelPaddingValue=4095, PixelPaddingRangeLimit=3000),
        make("mono2_padded", ramp(12), PixelPaddingValue=0),
        make("linear_exact", ramp(12), VOILUTFunction="LINEAR_EXACT", **window),
        make("sigmoid", ramp(12), VOILUTFunction="SIGMOID", **window),
        make("sigmoid_mono1", ramp(14), stored=14, photometric="MONOCHROME1", VOILUTFunction="SIGMOID",
             WindowCenter=[9000, 1], WindowWidth=[6000, 2]),
        make("window_of_one", ramp(12), WindowCenter=2000, WindowWidth=1),
        make("voi_table", ramp(12), VOILUTSequence=table([3000, 500, 10], curve)),
        make("voi_table_signed", ramp(12, -2048), signed=True, VOILUTSequence=table([3000, -1500, 10], curve, "SS")),
        make("voi_table_big", ramp(12), syntax=BIG, VOILUTSequence=table([3000, 500, 10], curve)),
        make("modality_table", ramp(12), ModalityLUTSequence=table([3000, 200, 16], curve * 60),
             WindowCenter=30000, WindowWidth=40000),
        make("signed_12_of_16", ramp(12, -2048), signed=True, WindowCenter=-100, WindowWidth=3000),
        make("overlay_above", ramp(12), above=0x5000),
        make("all_16_bits", ramp(16), stored=16),
        make("eight", ramp(8), allocated=8, stored=8, WindowCenter=128, WindowWidth=200),
        make("six_of_eight", ramp(6), allocated=8, stored=6),
        make("big_8", ramp(8), allocated=8, stored=8, syntax=BIG),
        make("big_16", ramp(12), syntax=BIG, **window),
        make("implicit", ramp(12), syntax=IMPLICIT, PixelPaddingValue=0),
        make("implicit_signed", ramp(12, -2048), signed=True, syntax=IMPLICIT, PixelPaddingValue=-2048),
        make("deflated", ramp(12), syntax=DEFLATED),
        make("rle_8", smooth(8), allocated=8, stored=8, syntax=RLE),
        make("rle_16", smooth(16), stored=16, syntax=RLE),
        make("jpeg", smooth(8), allocated=8, stored=8, syntax=JPEG),
        make("jpeg_mono1", smooth(8), allocated=8, stored=8, syntax=JPEG, photometric="MONOCHROME1"),
        make("lossless_8", ramp(8), allocated=8, stored=8, syntax=LOSSLESS),
        make("lossless_12", ramp(12), syntax=LOSSLESS, **window),
        make("lossless_16", ramp(16), stored=16, syntax=LOSSLESS),
        make("j2k_8", smooth(8), allocated=8, stored=8, syntax=J2K_LOSSLESS),
        make("j2k_12", ramp(12), syntax=J2K_LOSSLESS),
        make("j2k_16", ramp(16), stored=16, syntax=J2K_LOSSLESS),
        make("j2k_signed", ramp(12, -2048), signed=True, syntax=J2K_LOSSLESS),
        make("frames", ramp(12), Rows=ROWS // 2, NumberOfFrames=2),
        make("palette", ramp(8), allocated=8, stored=8, photometric="PALETTE COLOR"),
    ]


# ---- Files that say something else than they mean ---------------------------------------------------------------------
def odd(name, values, alter, **sane):
    """What pydicom makes of a plain file, and in its place the file that `alter` makes of it, which means the same."""
    entry = make(name, values, **sane)
    path = MADE / f"{name}.dcm"
    ds = pydicom.dcmread(path)
    changed = alter(ds)
    if changed is None:
        pydicom.dcmwrite(path, ds, enforce_file_format=True)
    else:
        path.write_bytes(changed(path.read_bytes()))
    return entry | {"file": path.name}


def replaced(before, after):
    def change(data):
        assert data.count(before) == 1, (before, data.count(before))
        return data.replace(before, after)
    return lambda ds: change


def retyped(tag, vr, value):
    def alter(ds):
        if tag in ds:
            del ds[tag]
        ds.add_new(tag, vr, value)
    return alter


def descriptor(vr, values):
    def alter(ds):
        del ds.VOILUTSequence[0].LUTDescriptor
        ds.VOILUTSequence[0].add_new("LUTDescriptor", vr, values)
    return alter


def all_of(*alters):
    def alter(ds):
        for one in alters:
            one(ds)
    return alter


def in_colour(planar):
    def alter(ds):
        grey = np.frombuffer(ds.PixelData, np.uint8)
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", planar
        ds.PixelData = (np.tile(grey, 3) if planar else np.repeat(grey, 3)).tobytes()
    return alter


def without_meta(ds):
    """The data set alone, as it was sent over a network."""
    def change(data):
        length = struct.unpack("<I", data[140:144])[0]
        return data[144 + length:]
    return change


def meant():
    window = dict(WindowCenter=1800, WindowWidth=2500)
    small = dict(RescaleSlope="0.0001", RescaleIntercept=0, WindowCenter=".1", WindowWidth=".2")
    curve = np.round(4095 * (np.arange(4096) / 4095) ** 0.6)
    tables = lambda bits, scale=1, first=0, vr="US": dict(VOILUTSequence=table([4096, first, bits], curve * scale, vr))
    signed = dict(signed=True, stored=16)
    eight = dict(allocated=8, stored=8)
    cropped = ramp(8)[:11, :15]
    return [
        odd("slope_comma", ramp(12), replaced(b"0.5 ", b"0,5 "), RescaleSlope="0.5", RescaleIntercept=7, **window),
        odd("window_comma", ramp(12), replaced(b"1800.5", b"1800,5"), WindowCenter="1800.5", WindowWidth=2500),
        odd("window_fl", ramp(12), all_of(retyped("WindowCenter", "FL", 1800.0), retyped("WindowWidth", "FL", 2500.0)), **window),
        odd("window_fd", ramp(12), all_of(retyped("WindowCenter", "FD", 1800.0), retyped("WindowWidth", "FD", 2500.0)), **window),
        odd("window_us", ramp(12), all_of(retyped("WindowCenter", "US", 1800), retyped("WindowWidth", "US", 2500)), **window),
        odd("window_ss", ramp(12, -2048), all_of(retyped("WindowCenter", "SS", -100), retyped("WindowWidth", "US", 2500)),
            signed=True, WindowCenter=-100, WindowWidth=2500),
        odd("slope_fd", ramp(12), retyped("RescaleSlope", "FD", 0.5), RescaleSlope="0.5", RescaleIntercept=7, **window),
        odd("window_below_one", ramp(12), retyped("VOILUTFunction", "CS", "LINEAR"), VOILUTFunction="LINEAR_EXACT", **small),
        odd("table_first_us", ramp(12, -2048), descriptor("US", [4096, 63488, 12]), **signed, **tables(12, 1, -2048, "SS")),
        odd("table_narrow", ramp(12), descriptor("US", [4096, 0, 16]), **tables(12)),
        odd("table_wide", ramp(12), descriptor("US", [4096, 0, 12]), **tables(16, 16)),
        odd("shape_inverse", ramp(12), all_of(retyped("PhotometricInterpretation", "CS", "MONOCHROME2"),
            retyped("PresentationLUTShape", "CS", "INVERSE")), photometric="MONOCHROME1", **window),
        odd("shape_inverse_mono1", ramp(12), retyped("PresentationLUTShape", "CS", "INVERSE"), photometric="MONOCHROME1"),
        odd("shape_identity_mono1", ramp(12), retyped("PresentationLUTShape", "CS", "IDENTITY"), photometric="MONOCHROME1"),
        odd("mono_retired", ramp(12), retyped("PhotometricInterpretation", "CS", "MONOCHROME"), **window),
        odd("mono_lower_case", ramp(12), replaced(b"MONOCHROME1 ", b"monochrome1 "), photometric="MONOCHROME1", **window),
        odd("rows_text", ramp(12), all_of(retyped("Rows", "IS", "12"), retyped("Columns", "DS", "16")), **window),
        odd("bits_text", ramp(12), all_of(retyped("BitsStored", "IS", "12"), retyped("HighBit", "UL", 11)), **window),
        odd("type_unknown", ramp(12), replaced(b"\x10\x00\x20\x00LO", b"\x10\x00\x20\x00ZZ"), **window),
        odd("grey_as_rgb", ramp(8), in_colour(0), **eight),
        odd("grey_as_planes", ramp(8), in_colour(1), **eight, WindowCenter=128, WindowWidth=200),
        odd("no_meta_implicit", ramp(12), without_meta, syntax=IMPLICIT, **window),
        odd("no_meta_explicit", ramp(12), without_meta, **window),
        make("one_frame", ramp(12), NumberOfFrames=1, **window),
        make("odd_size", cropped, **eight),
        make("ten_bits", ramp(10), stored=10, **window),
        make("fourteen_signed", ramp(14, -8192), stored=14, signed=True, WindowCenter=0, WindowWidth=9000),
        make("odd_size_rle", cropped, syntax=RLE, **eight),
    ]


# ---- Every way to pack pixels, at depths and sizes that don't fill their bytes -----------------------------------------
def packed():
    ways = dict(implicit=IMPLICIT, big=BIG, deflated=DEFLATED, rle=RLE, lossless=LOSSLESS, j2k=J2K_LOSSLESS, jls=JPEG_LS)
    # Name, bits stored, signed, what else.
    depths = [
        ("8_odd", 8, False, {}),
        ("10_odd", 10, False, dict(photometric="MONOCHROME1")),
        ("13_signed", 13, True, dict(WindowCenter=-500, WindowWidth=6000)),
        ("16_signed", 16, True, dict(RescaleSlope="0.5", RescaleIntercept=-100, WindowCenter=-1000, WindowWidth=20000)),
    ]
    made = []
    for way, syntax in ways.items():
        for name, bits, signed, more in depths:
            values = smooth(bits, -(2 ** (bits - 1)) if signed else 0)[:11, :15]
            made.append(make(f"{way}_{name}", values, allocated=8 if bits == 8 else 16, stored=bits, signed=signed,
                             syntax=syntax, **more))
    made.append(make("jls_runs", np.repeat(ramp(12)[:, :2], 8, axis=1), syntax=JPEG_LS))
    made.append(make("jls_near", smooth(12), syntax=JPEG_LS_NEAR))
    return made


def main():
    shipped = []
    for path in sorted(SHIPPED.rglob("*")):
        # Sixty more of the same, without a picture.
        if path.parent.name == "SE000000" and path.name > "IM000003":
            continue
        if path.is_file() and path.suffix not in (".py", ".json", ".md", ".zip", ".txt", ".gz", ".xml"):
            shipped.append(case(path, path.relative_to(SHIPPED).as_posix()))
    cases = {"pydicom": pydicom.__version__, "shipped": shipped, "made": made() + meant() + packed()}
    lines = [json.dumps(entry, separators=(",", ":")) for entry in shipped]
    both = [json.dumps(entry, separators=(",", ":")) for entry in cases["made"]]
    text = '{"pydicom":"%s",\n"shipped":[\n%s\n],\n"made":[\n%s\n]}\n' % (
        cases["pydicom"], ",\n".join(lines), ",\n".join(both))
    json.loads(text)
    (GOLDEN / "dicom.json").write_text(text)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes ../golden/tables/: tables with the headers of public data sets and generated rows, and what pandas counts in them.

    /tmp/venv/bin/pip install pandas numpy && /tmp/venv/bin/python tests/reference/table_golden.py

The headers are those of CheXpert-v1.0-small, PadChest, RSNA's stage_2_train_labels, VinBigData and ChestX-ray14's v2020 table;
names, patients and labels are drawn at random from a fixed seed. `expected.json` has for each table its images, the positives
and unknown labels of conditions by our keys, and the number of patients, as pandas reads them.
"""

import ast
import json
from pathlib import Path

import numpy as np
import pandas as pd

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "tables"
RNG = np.random.default_rng(20261127)
ROWS = 60
CHEXPERT = [
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation",
    "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices",
]
KEYS = {"Pleural Effusion": "effusion", "pleural effusion": "effusion", "Pleural_Thickening": "pleural", "Infiltration": "infiltration"}
PADCHEST = (
    "ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,ViewPosition_DICOM,Projection,MethodProjection,"
    "Pediatric,Modality_DICOM,Manufacturer_DICOM,PhotometricInterpretation,PixelRepresentation_DICOM,PixelAspectRatio_DICOM,"
    "SpatialResolution_DICOM,BitsStored_DICOM,WindowCenter_DICOM,WindowWidth_DICOM,Rows_DICOM,Columns_DICOM,"
    "XRayTubeCurrent_DICOM,Exposure_DICOM,ExposureInuAs_DICOM,ExposureTime,RelativeXRayExposure_DICOM,ReportID,Report,"
    "MethodLabel,Labels,Localizations,LabelsLocalizationsBySentence,labelCUIS,LocalizationsCUIS"
).split(",")
NIH = [
    "Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender", "View Position",
    "OriginalImage[Width", "Height]", "OriginalImagePixelSpacing[x", "y]",
]


def key(name):
    return KEYS.get(name, name.lower().replace(" ", "_"))


def chexpert():
    patients = np.repeat(np.arange(ROWS // 2), 2)
    rows = {
        "Path": [f"CheXpert-v1.0-small/train/patient{p:05}/study{i % 2 + 1}/view1_frontal.jpg" for i, p in enumerate(patients)],
        "Sex": RNG.choice(["Male", "Female"], ROWS), "Age": RNG.integers(0, 91, ROWS),
        "Frontal/Lateral": RNG.choice(["Frontal", "Lateral"], ROWS),
    }
    rows["AP/PA"] = np.where(np.array(rows["Frontal/Lateral"]) == "Lateral", "", RNG.choice(["AP", "PA"], ROWS))
    for name in CHEXPERT:
        rows[name] = RNG.choice(["", "1.0", "0.0", "-1.0"], ROWS, p=[0.6, 0.2, 0.1, 0.1])
    table = pd.DataFrame(rows)
    table.loc[table["No Finding"] == "1.0", CHEXPERT[1:13]] = ""
    return table


def padchest():
    names = ["cardiomegaly", "pleural effusion", "nodule", "scoliosis", "aortic elongation", "unchanged", "normal"]
    labels = []
    for _ in range(ROWS):
        chosen = list(RNG.choice(names[:-1], RNG.integers(0, 4), replace=False))
        labels.append(RNG.choice(["", "[]", "['normal']"]) if not chosen else str([str(c) for c in chosen]))
    table = pd.DataFrame({name: [""] * ROWS for name in PADCHEST})
    table["ImageID"] = [f"{100 + i}_{i}.png" for i in range(ROWS)]
    table["ImageDir"], table["PatientID"] = "0", [f"{i // 3:032}" for i in range(ROWS)]
    table["PatientSex_DICOM"], table["Projection"] = RNG.choice(["M", "F"], ROWS), RNG.choice(["PA", "L", "AP"], ROWS)
    table["Report"], table["Labels"] = 'sin cambios , "dudoso"', labels
    table["Pediatric"], table["PixelRepresentation_DICOM"] = "No", RNG.integers(0, 2, ROWS)
    return table


def rsna():
    rows = []
    for image in range(ROWS // 2):
        name = f"{image:08x}-0a0a-4b4b"
        boxes = int(RNG.integers(0, 3))
        rows += [[name, *RNG.integers(0, 500, 2) / 1.0, *RNG.integers(50, 300, 2) / 1.0, 1] for _ in range(boxes)]
        rows += [[name, "", "", "", "", 0]] if not boxes else []
    return pd.DataFrame(rows, columns=["patientId", "x", "y", "width", "height", "Target"])


def vinbigdata():
    names = ["Aortic enlargement", "Cardiomegaly", "Pleural effusion", "Nodule/Mass"]
    rows = []
    for image in range(ROWS // 3):
        findings = list(RNG.choice(names, RNG.integers(0, 3), replace=False))
        for reader in RNG.choice(17, 3, replace=False):
            seen = [f for f in findings if RNG.random() < 0.7]
            for finding in seen or ["No finding"]:
                box = [""] * 4 if finding == "No finding" else [10, 20, 200, 240]
                rows.append([f"{image:032x}", finding, 0, f"R{reader}", *box])
    return pd.DataFrame(rows, columns=["image_id", "class_name", "class_id", "rad_id", "x_min", "y_min", "x_max", "y_max"])


def nih():
    names = ["Atelectasis", "Effusion", "Infiltration", "Mass", "Pleural_Thickening", "Hernia"]
    rows = []
    for image in range(ROWS):
        chosen = list(RNG.choice(names, RNG.integers(0, 3), replace=False))
        rows.append([f"{image // 2:08}_{image % 2:03}.png", "|".join(chosen) or "No Finding", image % 2, image // 2,
                     int(RNG.integers(1, 95)), RNG.choice(["M", "F"]), RNG.choice(["PA", "AP"]), 2682, 2749, 0.143, 0.143])
    return pd.DataFrame(rows, columns=NIH)


def write(name, table, quoted_heading=False):
    path = GOLDEN / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = table.to_csv(index=False)
    # NIH writes the commas of two names without quotation marks, which makes four columns of them.
    path.write_text(text)
    return pd.read_csv(path, dtype=str, keep_default_na=True)


def main():
    expected = {}
    table = write("chexpert/CheXpert-v1.0-small/train.csv", chexpert())
    labels = table[CHEXPERT[1:]].astype(float)
    expected["chexpert/CheXpert-v1.0-small/train.csv"] = {
        "images": len(table), "names": table["Path"].tolist(),
        "positives": {key(c): int((labels[c] == 1).sum()) for c in labels},
        # -1 is unknown; blank is "not mentioned".
        "unknown": {key(c): int((labels[c] == -1).sum()) for c in labels},
        "patients": table["Path"].str.extract(r"(patient\d+)")[0].nunique(),
    }
    table = write("padchest.csv", padchest())
    lists = table["Labels"].map(lambda cell: None if pd.isna(cell) else ast.literal_eval(cell))
    found = pd.Series([name for names in lists.dropna() for name in names])
    conditions = sorted({name for name in found if name != "normal"})
    expected["padchest.csv"] = {
        "images": len(table), "names": table["ImageID"].tolist(),
        "positives": {key(c): int((found == c).sum()) for c in conditions},
        "unknown": {key(c): int(lists.isna().sum()) for c in conditions},
        "patients": table["PatientID"].nunique(),
    }
    table = write("rsna.csv", rsna())
    by_image = table.groupby("patientId")["Target"].max().astype(int)
    expected["rsna.csv"] = {
        "images": len(by_image), "names": [f"{name}.png" for name in by_image.index],
        "positives": {"pneumonia": int(by_image.sum())}, "unknown": {}, "patients": len(by_image),
        "boxes": int((table["Target"] == "1").sum()),
    }
    table = write("vinbigdata.csv", vinbigdata())
    found = table[table["class_name"] != "No finding"].groupby("class_name")["image_id"].nunique()
    names = {"Nodule/Mass": "nodule_mass", "Pleural effusion": "effusion"}
    expected["vinbigdata.csv"] = {
        "images": table["image_id"].nunique(), "names": [f"{name}.png" for name in sorted(table["image_id"].unique())],
        "positives": {names.get(c, key(c)): int(n) for c, n in found.items()}, "unknown": {}, "patients": None,
        "boxes": int((table["class_name"] != "No finding").sum()),
    }
    table = write("nih/Data_Entry_2017_v2020.csv", nih())
    found = table["Finding Labels"].str.split("|").explode()
    expected["nih/Data_Entry_2017_v2020.csv"] = {
        "images": len(table), "names": table["Image Index"].tolist(),
        "positives": {key(c): int(n) for c, n in found.value_counts().items() if c != "No Finding"}, "unknown": {},
        "patients": table["Patient ID"].nunique(),
    }
    (GOLDEN / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""The shipped tables are what their cards say, and a caller cannot spoil them for another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from treeprune import datasets

LOADERS = {
    "german_credit": datasets.load_german_credit,
    "compas": datasets.load_compas,
    "hmda": datasets.load_hmda,
    "adult": datasets.load_adult,
    "breast_cancer": datasets.load_breast_cancer,
}
# rows, features, share of ones in per cent, categorical features
FACTS = {
    "german_credit": (1000, 20, 30.0, 13),
    "compas": (6172, 10, 45.5, 3),
    "hmda": (2380, 13, 12.0, 7),
    "adult": (48842, 14, 23.9, 8),
    "breast_cancer": (569, 30, 37.3, 0),
}
LICENCES = {
    "german_credit": "CC BY 4.0",
    "compas": "public records",
    "hmda": "public data",
    "adult": "CC BY 4.0",
    "breast_cancer": "CC BY 4.0",
}


@pytest.fixture(scope="module", params=datasets.NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def bunch(name):
    return LOADERS[name]()


def test_every_name_has_a_loader():
    assert set(datasets.NAMES) == set(LOADERS) == set(FACTS)


def test_shape_and_share_of_ones(name, bunch):
    rows, features, per_cent, categorical = FACTS[name]
    assert bunch.data.shape == (rows, features)
    assert bunch.target.shape == (rows,)
    assert bunch.frame.shape == (rows, features + 1)
    assert sorted(bunch.target.unique()) == [0, 1]
    assert 100 * bunch.target.mean() == pytest.approx(per_cent, abs=0.05)
    assert len(bunch.categories) == categorical


def test_columns_are_numbers_or_categories(bunch):
    for column in bunch.data:
        dtype = bunch.data[column].dtype
        if column in bunch.categories:
            assert isinstance(dtype, pd.CategoricalDtype)
            assert list(dtype.categories) == bunch.categories[column]
            assert all(isinstance(c, str) and c == c.strip() and c for c in dtype.categories)
        else:
            assert pd.api.types.is_numeric_dtype(dtype)
    assert bunch.target.dtype == np.int64


def test_target_is_the_last_column_and_no_feature(bunch):
    assert bunch.feature_names == list(bunch.data.columns)
    assert list(bunch.frame.columns) == [*bunch.feature_names, bunch.target.name]
    assert bunch.target.name not in bunch.feature_names
    assert bunch.frame[bunch.feature_names].equals(bunch.data)
    assert len(bunch.target_names) == 2


def test_sensitive_and_excluded_columns_exist(name, bunch):
    assert set(bunch.sensitive) <= set(bunch.feature_names)
    assert set(bunch.excluded) <= set(bunch.feature_names)
    assert not set(bunch.sensitive) & set(bunch.excluded)
    # Its source says nothing about the patients.
    assert bool(bunch.sensitive) == (name != "breast_cancer")


def test_excluded_columns_are_the_known_ones():
    found = {name: datasets.load(name).excluded for name in datasets.NAMES}
    assert found == {
        "german_credit": [],
        "compas": ["decile_score"],
        "hmda": ["denied_insurance"],
        "adult": ["fnlwgt"],
        "breast_cancer": [],
    }


def test_only_adult_has_missing_values(name, bunch):
    missing = bunch.data.isna().sum()
    expected = {"workclass": 2799, "occupation": 2809, "native_country": 857}
    assert missing[missing > 0].to_dict() == (expected if name == "adult" else {})
    assert not any("?" in values for values in bunch.categories.values())


def test_breast_cancer_is_what_scikit_learn_ships():
    ours, theirs = datasets.load_breast_cancer(), load_breast_cancer(as_frame=True)
    assert ours.feature_names == [name.replace(" ", "_") for name in theirs.feature_names]
    assert np.array_equal(ours.data, theirs.data)  # every digit
    malignant = list(theirs.target_names).index("malignant")
    assert np.array_equal(ours.target, theirs.target == malignant)
    assert ours.target_names == ["benign", "malignant"]


def test_figures_of_the_breast_cancer_card():
    data = datasets.load_breast_cancer()
    pairs = np.abs(np.corrcoef(data.data, rowvar=False))[np.triu_indices(30, 1)]
    assert f"{(pairs > 0.9).sum()} of the {len(pairs)} pairs" in data.DESCR
    zero = data.data == 0
    flat = zero.any(axis=1)
    assert f"In {flat.sum()} rows, all benign, the six columns" in data.DESCR
    assert zero[flat].sum(axis=1).eq(6).all() and data.target[flat].eq(0).all()
    assert zero.columns[zero.any()].str.contains("concav").all()
    assert not data.frame.duplicated().any()


def test_the_word_none_is_a_category_not_a_missing_value():
    assert "none" in datasets.load_german_credit().categories["other_debtors"]


def test_cost_matrix_is_the_donors(name, bunch):
    if name == "german_credit":  # [true, predicted]: a default taken for good costs 5
        assert bunch.cost_matrix.tolist() == [[0, 1], [5, 0]]
    else:
        assert bunch.cost_matrix is None


def test_card_names_licence_and_every_column(name, bunch):
    assert "| Licence |" in bunch.DESCR
    assert LICENCES[name] in bunch.DESCR
    for heading in ("## Columns", "## Costs", "## Caveats", "## Columns to handle with care"):
        assert heading in bunch.DESCR
    described = bunch.DESCR.split("## Columns\n")[1].split("## Costs")[0]
    for column in bunch.frame:
        assert f"| `{column}` |" in described
    care = bunch.DESCR.split("## Columns to handle with care")[1]
    for column in (*bunch.sensitive, *bunch.excluded):
        assert f"`{column}`" in care


def test_return_X_y_is_the_first_two(name, bunch):
    X, y = LOADERS[name](return_X_y=True)
    assert X.equals(bunch.data) and list(X) == bunch.feature_names
    assert y.equals(bunch.target)


def test_arrays_hold_the_codes_of_the_categories(name, bunch):
    plain = LOADERS[name](as_frame=False)
    assert plain.frame is None
    assert plain.data.dtype == np.float64 and plain.data.shape == bunch.data.shape
    assert plain.target.dtype == np.int64 and type(plain.target) is np.ndarray
    assert np.array_equal(plain.target, bunch.target)
    for j, column in enumerate(plain.feature_names):
        values, given = plain.data[:, j], bunch.data[column]
        assert np.array_equal(np.isnan(values), given.isna())
        if column in plain.categories:
            here = ~np.isnan(values)
            decoded = np.array(plain.categories[column])[values[here].astype(int)]
            assert np.array_equal(decoded, given[here].astype(str))
        else:
            assert np.array_equal(values, given)


def test_arrays_and_return_X_y_together():
    X, y = datasets.load_german_credit(as_frame=False, return_X_y=True)
    assert X.shape == (1000, 20) and y.shape == (1000,)


def test_two_loads_are_independent():
    first = datasets.load_german_credit()
    first.data.iloc[:, 1] = -1
    first.frame.iloc[:, 4] = -1
    first.target[:] = 7
    first.sensitive.append("nonsense")
    first.excluded.append("nonsense")
    first.cost_matrix[:] = 99
    first.categories.clear()
    second = datasets.load_german_credit()
    assert (second.data.iloc[:, 1] > 0).all() and (second.frame.iloc[:, 4] > 0).all()
    assert second.target.isin([0, 1]).all()
    assert "nonsense" not in second.sensitive + second.excluded
    assert second.cost_matrix.max() == 5
    assert second.categories


def test_data_and_frame_of_one_load_are_independent():
    bunch = datasets.load_german_credit()
    bunch.data.iloc[:, 1] = -1
    bunch.target[:] = 7
    assert (bunch.frame.iloc[:, 1] > 0).all() and bunch.frame["default"].isin([0, 1]).all()


def test_filename_is_the_table(bunch):
    assert len(pd.read_csv(bunch.filename)) == len(bunch.data)


@pytest.mark.parametrize("wrong", ["german", "German_Credit", "", "../hmda", "titanic"])
def test_unknown_name_lists_the_possible_ones(wrong):
    with pytest.raises(
        ValueError, match="german_credit, compas, hmda, adult, breast_cancer"
    ) as caught:
        datasets.load(wrong)
    assert repr(wrong) in str(caught.value)


def test_options_are_keyword_only():
    with pytest.raises(TypeError):
        datasets.load_hmda(True)

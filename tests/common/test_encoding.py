"""Files as people have them, in the encodings of their programs: each is read letter by letter as it was written."""

import io

import pytest

from common.encoding import MIXED, Damaged, NoText, decoded, encoding_of, fits, is_known

GERMAN = "Firma;Straße;Ort\nMüller GmbH;Größenweg 5;Köln\nJäger & Söhne;Übergang 7;Düsseldorf\n"
FRENCH = "Société;Ville\nGénérale d'Électricité;Besançon\nÀ la Forêt;Nîmes\nŒuvres;Angoulême\n"
TURKISH = "Ad;Şehir\nAyşe Yılmaz;İstanbul\nÇağrı Öztürk;Diyarbakır\nGülşah Işık;Muğla\n"
RUSSIAN = "Имя;Город\nАнна Петрова;Москва\nБорис Иванов;Казань\nЮлия Щукина;Екатеринбург\n"
CZECH = "Jméno;Město\nJiří Dvořák;Plzeň\nLuďka Šťastná;Český Krumlov\nŽofie Růžičková;Děčín\n"
POLISH = "Imię;Miasto\nŁukasz Wójcik;Gdańsk\nMałgorzata Dąbrowska;Łódź\nŚwiętosława Żak;Poznań\n"
HUNGARIAN = "Név;Város\nKovács Győző;Budapest\nSzűcs Erzsébet;Győr\nTóth Ödön;Nyíregyháza\n"
ROMANIAN = "Nume;Oraş\nIoan Brătianu;Bucureşti\nŞtefan Pârvu;Constanţa\nÎnălţimea;Timişoara\n"
SPANISH = "Nombre;Ciudad\nMaría Peña;Córdoba\nJosé Ibáñez;Logroño\n¿Quién?;Málaga\n"
PORTUGUESE = "Nome;Cidade\nJoão Conceição;São Paulo\nMônica Araújo;Brasília\nInês Simões;Évora\n"
DANISH = "Navn;By\nSøren Kjær;Ærøskøbing\nÅse Løvgård;København\nJørgen Ø;Århus\n"
ICELANDIC = "Nafn;Bær\nÞórður Guðmundsson;Reykjavík\nÆsa Jónsdóttir;Ísafjörður\nÓðinn Þráinsson;Húsavík\n"
GREEK = "Όνομα;Πόλη\nΜαρία Παπαδοπούλου;Αθήνα\nΓιώργος Νικολάου;Θεσσαλονίκη\n"
HEBREW = "שם;עיר\nדוד כהן;ירושלים\nשרה לוי;תל אביב\nיוסף מזרחי;חיפה\n"
ARABIC = "الاسم;المدينة\nمحمد علي;القاهرة\nفاطمة الزهراء;الإسكندرية\nعبد الله;الرياض\n"
JAPANESE = "名前,都市\n田中さん,東京です\nすずき はなこ,おおさか\nカタカナ株式会社,ヨコハマ\n"
CHINESE = "姓名,城市\n王小明,北京\n我们的公司在上海,中国\n他是经理,广州\n"
TAIWANESE = "姓名,城市\n王小明,臺北市\n我們的公司在高雄,台灣\n他是經理,新竹縣\n"
KOREAN = "이름,도시\n김민수,서울\n우리 회사는 부산에 있습니다,한국\n"
PLAIN = "name;note\n" + "Ada Lovelace;nothing beyond ASCII\n" * 3000
MIXED_NAMES = "name\nMüller\nSociété Générale\nPeña\nSão Paulo\nÅngström\nO’Brien – “Ltd”\n"
CALL = "Ann Lee: Well — that’s “fine”.\nRob Fox: It’s about 5 € per seat…\n"

FILES = [
    ("German bank export", GERMAN, "cp1252"),
    ("German, long", GERMAN * 2000, "cp1252"),
    ("German with letters of others far behind", GERMAN * 1500 + PLAIN + "Peña;São Tomé;Ærø\n", "cp1252"),
    ("German from an old Mac", GERMAN, "mac_roman"),
    ("German of a web form", GERMAN, "utf-8"),
    ("German of Excel", GERMAN, "utf-8-sig"),
    ("German as Unicode text of Excel", GERMAN, "utf-16"),
    ("German without a mark", GERMAN, "utf-16-le"),
    ("French customers", FRENCH, "cp1252"),
    ("French from an old Mac", FRENCH, "mac_roman"),
    ("Turkish customers", TURKISH, "cp1254"),
    ("Turkish, one line", "Şirket büyüyor, teşekkür ederim.", "cp1254"),
    ("Turkish, long", TURKISH * 3000, "cp1254"),
    ("Czech customers", CZECH, "cp1250"),
    ("Polish customers", POLISH, "cp1250"),
    ("Hungarian customers", HUNGARIAN, "cp1250"),
    ("Romanian customers", ROMANIAN, "cp1250"),
    ("Spanish customers", SPANISH, "cp1252"),
    ("Portuguese customers", PORTUGUESE, "cp1252"),
    ("Danish customers", DANISH, "cp1252"),
    ("Icelandic customers", ICELANDIC, "cp1252"),
    ("Russian customers", RUSSIAN, "cp1251"),
    ("Greek customers", GREEK, "cp1253"),
    ("Hebrew customers", HEBREW, "cp1255"),
    ("Arabic customers", ARABIC, "cp1256"),
    ("Japanese customers", JAPANESE, "shift_jis"),
    ("Chinese customers", CHINESE, "gb18030"),
    ("Taiwanese customers", TAIWANESE, "big5"),
    ("Korean customers", KOREAN, "euc_kr"),
    ("names of many countries", MIXED_NAMES, "cp1252"),
    ("typed quotes only", CALL, "cp1252"),
    ("typed quotes of a Mac", CALL, "mac_roman"),
    ("prices in euros", "item;price\n" + "Pump;12 €\n" * 9, "cp1252"),
    ("temperatures", "day;highest\n" + "Monday;21°\n" * 40, "cp1252"),
    ("tolerances", "part;size\n" + "Bolt;5 ±0.1\n" * 8, "cp1252"),
    ("bullets", "• first\n• second\n" * 12, "cp1252"),
    ("trade marks", "name\n" + "Acme™\nWidget™ Pro\n" * 8, "cp1252"),
    ("micrometres", "size\n" + "5 µm\n" * 10, "cp1252"),
    ("one accent in a long file", PLAIN + "José;yes\n", "cp1252"),
    ("an apostrophe in a long file", PLAIN + "O’Brien;yes\n", "cp1252"),
    ("a degree in a long file", "room;19°\n" + PLAIN, "cp1252"),
    ("superscripts", "room;size\n" + "Hall;120 m²\n" * 8, "cp1252"),
]


@pytest.mark.parametrize(("text", "encoding"), [file[1:] for file in FILES], ids=[file[0] for file in FILES])
def test_a_file_is_read_letter_by_letter_as_it_was_written(text, encoding):
    assert decoded(text.encode(encoding)) == text


@pytest.mark.parametrize("sign", "€°±•™–’“”…©®½£§")
@pytest.mark.parametrize("times", [1, 8, 300])
def test_a_file_whose_one_sign_beyond_ascii_comes_often_is_of_windows(sign, times):
    text = f"id,note\n{f'7,about {sign} 5{chr(10)}' * times}"
    assert decoded(text.encode("cp1252")) == text


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_stray_byte_of_windows_does_not_garble_a_file_of_utf8(mark):
    rows = "".join(f"Müller {n} GmbH,Größen\n" for n in range(300))
    content = mark + rows.encode() + b"O\x92Brien Ltd,caf\xe9\n"
    assert encoding_of(io.BytesIO(content)) == MIXED
    assert decoded(content) == rows + "O’Brien Ltd,café\n"
    text = io.TextIOWrapper(io.BytesIO(content), encoding=MIXED)
    assert next(text) == "Müller 0 GmbH,Größen\n"
    text.seek(0)
    assert text.read() == rows + "O’Brien Ltd,café\n"


def test_a_byte_that_neither_has_is_refused_where_utf8_is_meant():
    content = ("Müller\n" * 300).encode() + b"\x81\n"
    assert not fits(io.BytesIO(content), MIXED)


def test_a_character_cut_by_the_border_of_two_reads_is_whole():
    text = "a" * (256 * 1024 - 1) + "é" * 100_000
    assert encoding_of(io.BytesIO(text.encode())) == "utf-8"
    assert decoded(text.encode() + b"\x92") == text + "’"


def test_what_is_no_text_is_said_to_be_none():
    with pytest.raises(NoText):
        decoded(bytes(range(256)) * 20)
    with pytest.raises(Damaged, match="utf-16"):
        decoded(b"\xff\xfea\x00b\x00\x00\xd8")


def test_an_encoding_that_somebody_names_is_known_or_not():
    assert [is_known(name) for name in ("utf-8", MIXED, "cp1254", "klingon", "a\x00b")] == [True] * 3 + [False] * 2
